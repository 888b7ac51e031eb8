"""Every ink on every ground, in both themes, by WCAG 2.2's formula."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[2] / "web" / "src" / "tokens.css"
INKS = ("ink", "muted", "met", "unmet", "unproven", "accent")


def themes() -> dict[str, dict[str, str]]:
    text = TOKENS.read_text()
    light, dark = text.split("prefers-color-scheme: dark")[0], text.split("prefers-color-scheme: dark")[1]
    pattern = re.compile(r"--([a-z]+): (#[0-9a-f]{6});")
    first = dict(pattern.findall(light))
    return {"light": first, "dark": first | dict(pattern.findall(dark.split("@media print")[0]))}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_gives_the_known_ratios() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize("ground", ["page", "card", "wash"])
def test_text_reaches_4_5_to_1(theme: str, ink: str, ground: str) -> None:
    colours = themes()[theme]
    assert contrast(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "card"])
def test_borders_of_controls_reach_3_to_1(theme: str, ground: str) -> None:
    colours = themes()[theme]
    assert contrast(colours["control"], colours[ground]) >= 3.0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_words_on_the_main_button_reach_4_5_to_1(theme: str) -> None:
    colours = themes()[theme]
    assert contrast(colours["card"], colours["accent"]) >= 4.5


def test_no_colour_stands_outside_the_token_file() -> None:
    for style in TOKENS.parent.glob("*.css"):
        if style.name != "tokens.css":
            assert not re.search(r"#[0-9a-fA-F]{3,8}\b", style.read_text()), style.name
