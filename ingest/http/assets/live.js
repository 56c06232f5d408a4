// Keeps the live page up to date, and draws its tables as charts and a map.
//
// The number and the peak come by server-sent events, or where none are to be had by looking. All
// else is in the page itself: when something was counted, the page is asked for again and its parts
// are put in place of those shown, so that there is one place that words them, the server's
// template.
(() => {
  "use strict"
  const EVERY = 5000 // ms between two looks at the page, at the least
  const SOON = 600 // ms from an event to the look: longer than the server keeps a page
  const QUIET = 30000 // ms between two announcements to screen readers
  const POLL = 5000 // ms between looks, and tries, where there are no events to be had
  const RARELY = 30000 // ms between them where many failed one after the other
  const AWAY = "No answer at the moment: connecting again …"
  const IDLE = 15000 // ms after which to look although the number is the same: pages may not be
  const $ = (id) => document.getElementById(id)
  const { site, map: mapAddress, stream: streamAddress } = document.body.dataset
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
  const number = (text) => Number(text.replaceAll(",", ""))
  const written = (value) => value.toLocaleString("en")
  const caption = (row, most) =>
    `${row.label}: ${written(row.visitors)} visitor${row.visitors === 1 ? "" : "s"}${most ? ", the most" : ""}`
  let charts = []
  let world = null
  let stream = null
  let told = null // what the stream said last; null: nothing yet, or it is closed
  let refreshed = Date.now()
  let planned = 0
  let due = 0 // when the planned look is
  let announced = Date.now()
  let refused = 0 // streams that an error answered, one after the other
  let missed = 0 // looks without an answer, likewise
  let nextTry = 0
  let wait = POLL
  const served = {}

  // -- times in the reader's own zone; days stay UTC, as they are counted

  const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })

  function localTimes() {
    for (const time of document.querySelectorAll("time")) {
      if (!time.closest("#days")) time.textContent = clock.format(new Date(time.dateTime))
    }
    $("zone").textContent = Intl.DateTimeFormat().resolvedOptions().timeZone || "your own"
  }

  // -- charts

  function rows(name) {
    return [...document.querySelectorAll(`#${name} tbody tr`)].map((row) => ({
      at: Date.parse(row.querySelector("time").dateTime) / 1000,
      label: row.querySelector("time").textContent,
      visitors: number(row.cells[1].textContent),
      highest: row.classList.contains("highest"),
    }))
  }

  function marked(data) {
    return (chart) => {
      const at = data.findIndex((row) => row.highest)
      if (at < 0) return
      const context = chart.ctx
      const ratio = devicePixelRatio
      const text = written(data[at].visitors)
      context.save()
      context.fillStyle = style("--peak")
      context.font = `bold ${12 * ratio}px system-ui, sans-serif`
      context.textBaseline = "bottom"
      const half = context.measureText(text).width / 2
      const { left, width } = chart.bbox
      const x = Math.min(Math.max(chart.valToPos(at, "x", true), left + half), left + width - half)
      context.textAlign = "center"
      context.fillText(text, x, chart.valToPos(data[at].visitors, "y", true) - 3 * ratio)
      context.restore()
    }
  }

  function draw(holder) {
    const name = holder.dataset.chart
    const data = rows(name)
    holder.hidden = false
    holder.replaceChildren()
    const readout = document.createElement("p")
    readout.className = "readout"
    const most = Math.max(4, ...data.map((row) => row.visitors))
    const axis = { stroke: style("--quiet"), font: "12px system-ui, sans-serif", ticks: { show: false } }
    const highest = data.findIndex((row) => row.highest)
    const chart = new uPlot(
      {
        width: Math.max(holder.clientWidth, 100),
        height: Math.max(holder.clientHeight - 24, 100),
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
        scales: {
          x: { time: false, range: [-0.6, data.length - 0.4] },
          y: { range: [0, most * 1.2] },
        },
        axes: [
          { ...axis, grid: { show: false }, size: 28, space: 70, incrs: [1, 2, 5, 6, 10, 12],
            values: (_, ticks) => ticks.map((tick) => data[tick]?.label ?? "") },
          { ...axis, grid: { stroke: style("--line"), width: 1 }, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100,
            200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8],
            values: (_, ticks) => ticks.map((tick) => (tick < 1e4 ? written(tick) : `${tick / 1000}k`)) },
        ],
        series: [
          {},
          { fill: style("--bar"), stroke: style("--bar"), width: 0, points: { show: false },
            paths: uPlot.paths.bars({ size: [0.75, 60], disp: {
              fill: { unit: 3, values: () => data.map((row) => style(row.highest ? "--peak" : "--bar")) } } }) },
        ],
        hooks: {
          draw: [marked(data)],
          setCursor: [(self) => {
            const at = self.cursor.idx ?? highest
            const row = data[at]
            readout.textContent = row ? caption(row, at === highest) : ""
          }],
        },
      },
      [data.map((_, at) => at), data.map((row) => row.visitors)],
      holder,
    )
    if (data[highest]) readout.textContent = caption(data[highest], true)
    holder.append(readout)
    return { holder, chart }
  }

  function drawAll() {
    for (const { chart } of charts) chart.destroy()
    charts = [...document.querySelectorAll("[data-chart]")].map(draw)
    drawMap()
  }

  // -- map

  async function loadMap() {
    const answer = await fetch(mapAddress)
    if (!answer.ok) return
    world = new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement
    drawMap()
  }

  function drawMap() {
    const holder = document.querySelector(".map")
    if (!holder || !world) return
    const drawn = document.importNode(world, true)
    const found = [...document.querySelectorAll("#country tbody tr")]
    const most = Math.max(1, ...found.map((row) => number(row.cells[1].textContent)))
    for (const row of found) {
      const visitors = number(row.cells[1].textContent)
      const level = Math.max(1, Math.ceil(5 * Math.log1p(visitors) / Math.log1p(most)))
      for (const path of drawn.querySelectorAll(`[data-country="${CSS.escape(row.dataset.value)}"]`)) {
        path.dataset.level = level
        const title = document.createElementNS("http://www.w3.org/2000/svg", "title")
        title.textContent = `${row.cells[0].textContent}: ${written(visitors)}`
        path.append(title)
      }
    }
    holder.replaceChildren(drawn)
    holder.hidden = false
  }

  // -- keeping up

  function show(now) {
    const text = written(now)
    if ($("now").textContent === text) return
    $("now").textContent = text
    document.title = `${text} online · ${site}`
    if (Date.now() - announced > QUIET) {
      announced = Date.now()
      $("said").textContent = `${text} online`
    }
  }

  // Shows what the stream said, and whether the page can show it: one that says that nobody came
  // today has to be asked for again first, so that it never says both.
  function tell() {
    const time = document.querySelector("#peak time")
    if (told.now && !time) return false
    show(told.now)
    if (time && told.peak.at) {
      time.dateTime = told.peak.at
      time.textContent = clock.format(new Date(told.peak.at))
      $("most").textContent = written(told.peak.value)
    }
    return true
  }

  // Puts in what has changed; what is open, scrolled or focused stays so.
  function replace(fresh) {
    const focused = document.activeElement?.id
    const open = new Set([...document.querySelectorAll("details[open]")].map((each) => each.id))
    const tops = new Map([...document.querySelectorAll(".scroll")].map((each) => [each.id, each.scrollTop]))
    for (const id of ["peak", "delayed", "counts"]) {
      const part = fresh.getElementById(id)
      if (part.innerHTML === served[id]) continue
      served[id] = part.innerHTML
      $(id).replaceChildren(...document.importNode(part, true).childNodes)
    }
    for (const each of document.querySelectorAll("details")) each.open = open.has(each.id)
    for (const each of document.querySelectorAll(".scroll")) each.scrollTop = tops.get(each.id) ?? 0
    if (focused && $(focused) !== document.activeElement) $(focused)?.focus({ preventScroll: true })
    localTimes()
    drawAll()
  }

  async function refresh() {
    planned = 0
    refreshed = Date.now()
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } })
      if (answer.status === 401 || answer.status === 404) return location.reload() // not for us any more
      if (!answer.ok) return away()
      missed = 0
      wait = pause(0)
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html")
      replace(fresh)
      // The stream is ahead of a page, which may have been made a moment ago.
      if (!told) show(number(fresh.getElementById("now").textContent))
      else if (!tell()) plan(0)
      if ($("connection").textContent === AWAY) reconnect()
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      away() // the network is
    }
  }

  // Twice as long with each failure, and not the same for all who wait.
  function pause(failures) {
    return Math.min(POLL * 2 ** failures, RARELY) * (0.75 + Math.random() / 2)
  }

  // It is looked for again.
  function away() {
    wait = pause(missed++)
    said(AWAY)
  }

  // The earliest look that was planned is the one that holds.
  function plan(every) {
    const at = Math.max(Date.now() + SOON, refreshed + every)
    if (planned && due <= at) return
    clearTimeout(planned)
    due = at
    planned = setTimeout(refresh, at - Date.now())
  }

  function said(text) {
    $("connection").textContent = text
    $("connection").hidden = !text
  }

  // A stream that an error answered does not try again by itself: that it is there again is known
  // by the page, or found out.
  function reconnect() {
    said("")
    if (stream?.readyState === EventSource.CLOSED && !document.hidden) connect()
  }

  function connect() {
    stream = new EventSource(streamAddress)
    stream.addEventListener("now", (event) => {
      said("")
      refused = 0
      told = JSON.parse(event.data)
      plan(tell() ? EVERY : 0)
    })
    stream.addEventListener("error", () => {
      told = null
      const given = stream.readyState === EventSource.CLOSED
      if (given) nextTry = Date.now() + pause(refused++)
      said(given && !missed ? "Updated every few seconds" : AWAY)
    })
  }

  setInterval(() => {
    if (document.hidden) return
    if (stream.readyState === EventSource.CLOSED) {
      plan(wait)
      if (Date.now() >= nextTry) connect()
    } else if (Date.now() - refreshed > IDLE) plan(0)
  }, 1000)
  // Hidden is also a page that is prerendered, opened behind another, or kept to come back to.
  document.addEventListener("visibilitychange", () => {
    stream?.close()
    told = null
    clearTimeout(planned)
    planned = 0
    if (document.hidden) return
    connect()
    plan(0)
  })
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll)
  let width = innerWidth
  addEventListener("resize", () => {
    if (width === innerWidth) return // a phone's bars come and go
    width = innerWidth
    drawAll()
  })

  localTimes()
  drawAll()
  loadMap()
  if (!document.hidden) connect()
})()
