"""``launchworthy gateway``: an OpenAI-compatible address in front of a model, where the contract holds."""

from __future__ import annotations

from pathlib import Path

import click

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command()
@click.option(
    "--contract",
    type=_FILE,
    default=Path("launchworthy.yaml"),
    show_default=True,
    help="Contract of the release that is served.",
)
@click.option(
    "--upstream",
    "upstreams",
    multiple=True,
    required=True,
    metavar="[PROVIDER=]URL",
    help="Address of the models, up to /chat/completions; repeatable, one for each provider. "
    "anthropic+URL: one that speaks Anthropic's Messages.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME=NAME",
    help="A model of the contract and its name at the endpoint, where they differ; repeatable.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option(
    "--port", default=8322, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one."
)
@click.option("--keys", type=_FILE, help="File of the clients' keys; needed beyond loopback.")
@click.option("--baseline", type=_FILE, help="Contract of the release that everyone had before.")
@click.option(
    "--stage",
    help="Stage of the rollout: its share of users gets the release, the rest the baseline. "
    "Without it the rollout under way at --server decides.",
)
@click.option(
    "--server",
    metavar="URL",
    help="Server whose queue takes the calls that need an approval, and whose rollout is followed.",
)
def command(
    contract: Path,
    upstreams: tuple[str, ...],
    models: tuple[str, ...],
    host: str,
    port: int,
    keys: Path | None,
    baseline: Path | None,
    stage: str | None,
    server: str | None,
) -> None:
    """Serve OpenAI's API in front of a model, under a contract.

    Keys of models come from the environment: LAUNCHWORTHY_UPSTREAM_KEY, or LAUNCHWORTHY_UPSTREAM_KEY_PROVIDER
    for an upstream that names its provider. Records go where the SDK sends them: LAUNCHWORTHY_ENDPOINT.
    """
    import os

    from launchworthy.gateway import GatewayOptions, serve_gateway

    serve_gateway(
        GatewayOptions(
            contract=contract,
            upstreams=dict(_upstream(each) for each in upstreams),
            names=dict(_pair(each) for each in models),
            host=host,
            port=port,
            keys=keys,
            baseline=baseline,
            stage=stage,
            server=server,
            server_key=os.environ.get("LAUNCHWORTHY_API_KEY") or None,
        ),
        announce=lambda url: click.echo(f"The gateway is at {url}/v1  (stop with Ctrl-C)"),
    )


def _upstream(text: str) -> tuple[str, str]:
    provider, sign, url = text.partition("=")
    return (provider, url) if sign and "/" not in provider else ("", text)


def _pair(text: str) -> tuple[str, str]:
    name, sign, other = text.partition("=")
    if not sign or not name or not other:
        raise click.UsageError(f"--model {text!r} is not NAME=NAME")
    return name, other
