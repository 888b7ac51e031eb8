// Bundles src/ into the folder given as the first argument. Run by hatch_build.py, or by hand:
//   cd web && npm ci --ignore-scripts && npm run build ../src/launchworthy/console/static/built
import { build } from "esbuild";

const outdir = process.argv[2];
if (!outdir) {
  console.error("usage: node build.mjs OUTDIR");
  process.exit(64);
}

await build({
  entryPoints: ["src/console.js", "src/series.js", "src/console.css"],
  outdir,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome111", "firefox113", "safari16.4"],
  legalComments: "inline",
  logLevel: "warning",
});
