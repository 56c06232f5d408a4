// Makes the vendored files of ingest/http/assets/ from published packages. Run it by `make assets`.
//
//   uplot.js, uplot.css   uPlot, as published
//   world.svg             Natural Earth's countries (world-atlas), drawn in the Equal Earth
//                         projection; each path knows its ISO 3166-1 code
//   countries.json        English names of countries by code (CLDR, from Node's own ICU)
//   verdana-11px.json     widths of characters, those below U+10000, as shields.io measures text
//   LICENSES.txt          under which all of these come
import { copyFileSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { geoEqualEarth, geoPath } from "d3-geo"
import { feature } from "topojson-client"

const require = createRequire(import.meta.url)
const assets = fileURLToPath(new URL("../ingest/http/assets/", import.meta.url))
const packages = fileURLToPath(new URL("node_modules/", import.meta.url))
const read = (name) => JSON.parse(readFileSync(packages + name, "utf8"))
const write = (name, text) => writeFileSync(assets + name, text)

const WIDTH = 1000
const ANTARCTICA = "010"
const CODES = new Map(read("i18n-iso-countries/codes.json").map(([two, , number]) => [number, two]))
// Without a number in ISO 3166-1; XK is what geolocation databases use.
const UNNUMBERED = { Kosovo: "XK" }

function world() {
  const atlas = read("world-atlas/countries-110m.json")
  const countries = feature(atlas, atlas.objects.countries)
  countries.features = countries.features.filter((country) => country.id !== ANTARCTICA)
  const projection = geoEqualEarth().fitWidth(WIDTH, countries)
  const path = geoPath(projection).digits(0)
  const height = Math.ceil(path.bounds(countries)[1][1])
  const drawn = countries.features.map((country) => {
    const code = CODES.get(country.id) ?? UNNUMBERED[country.properties.name]
    return `<path${code ? ` data-country="${code}"` : ""} d="${path(country)}"/>\n`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}">\n${drawn.join("")}</svg>\n`
}

function names() {
  const english = new Intl.DisplayNames("en", { type: "region" })
  const codes = [...CODES.values(), ...Object.values(UNNUMBERED)].sort()
  const named = Object.fromEntries(codes.map((code) => [code, english.of(code)]))
  return JSON.stringify(named, null, 0).replaceAll('","', '",\n"') + "\n"
}

function widths() {
  const table = read("anafanafo/data/verdana-11px-normal.json")
  return JSON.stringify(table.filter(([first]) => first < 0x10000)) + "\n"
}

function licenses() {
  const from = { uplot: "uplot.js, uplot.css", "world-atlas": "world.svg", anafanafo: "verdana-11px.json" }
  const parts = Object.entries(from).map(([name, files]) => {
    const { version, license } = read(`${name}/package.json`)
    const text = readFileSync(`${packages}${name}/LICENSE`, "utf8").trim()
    return `${files}: ${name} ${version} (${license})\n\n${text}\n`
  })
  parts.push("world.svg: the shapes are Natural Earth's, in the public domain (naturalearthdata.com)\n")
  parts.push("countries.json: Unicode CLDR, Unicode License v3 (unicode.org/license.txt)\n")
  return parts.join(`\n${"-".repeat(80)}\n\n`)
}

copyFileSync(require.resolve("uplot/dist/uPlot.iife.min.js"), assets + "uplot.js")
copyFileSync(require.resolve("uplot/dist/uPlot.min.css"), assets + "uplot.css")
write("world.svg", world())
write("countries.json", names())
write("verdana-11px.json", widths())
write("LICENSES.txt", licenses())
