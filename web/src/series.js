// Long time series with uPlot, beside the table of the same numbers. A gap stays a gap: null is not drawn.
import uPlot from "uplot";

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const iso = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
// Midnight says the day, any other moment the time.
const spoken = (seconds) => (seconds % 86400 === 0 ? iso(seconds).slice(0, 10) : iso(seconds).slice(11));

function draw(figure) {
  const data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  const place = figure.querySelector("[data-plot]");
  const axis = {
    stroke: token("--muted"),
    grid: { stroke: token("--rule"), width: 1 },
    ticks: { stroke: token("--rule"), width: 1 },
    font: `13px ${token("--font")}`,
  };
  const strokes = [token("--accent"), token("--unmet")];
  const dashes = [undefined, [6, 4]];
  const options = {
    width: place.clientWidth,
    height: 220,
    cursor: { drag: { x: false, y: false } },
    legend: { live: true },
    scales: { y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    axes: [{ ...axis, space: 90, values: (_, moments) => moments.map(spoken) }, { ...axis, size: 64 }],
    series: [
      { label: "Hour (UTC)", value: (_, moment) => (moment == null ? "none" : iso(moment)) },
      ...data.series.map((each, at) => ({
        label: each.label,
        stroke: strokes[at % strokes.length],
        dash: dashes[at % dashes.length],
        width: 2,
        value: (_, number) => (number == null ? "none" : number.toLocaleString("en")),
        spanGaps: false,
        points: { show: true, size: 5 },
      })),
    ],
  };
  place.replaceChildren();
  const plot = new uPlot(options, [data.times, ...data.series.map((each) => each.values)], place);
  plot.root.setAttribute("aria-hidden", "true");
  return plot;
}

for (const figure of document.querySelectorAll("figure[data-series]")) {
  let plot = draw(figure);
  const again = () => {
    plot.destroy();
    plot = draw(figure);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  new ResizeObserver(() => {
    const place = figure.querySelector("[data-plot]");
    if (Math.abs(place.clientWidth - plot.width) > 1) plot.setSize({ width: place.clientWidth, height: 220 });
  }).observe(figure);
}
