// Draws the charts and says how old the report is. All else is in the page without this.
"use strict";
(() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("charts").textContent);
  const colour = name => getComputedStyle(root).getPropertyValue(name).trim();
  const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 3 });
  const drawn = [];

  // A label takes at most so many letters of the axis; the whole of it is in the tooltip and in the table.
  const shorten = (text, letters) => {
    const all = Array.from(text);
    return all.length > letters ? all.slice(0, letters - 1).join("") + "…" : text;
  };

  // Values behind the bars' ends: a reader should not have to measure.
  const values = {
    id: "values",
    afterDatasetsDraw(chart) {
      if (!chart.$values) return;
      const { ctx } = chart;
      ctx.save();
      ctx.font = "12px " + Chart.defaults.font.family;
      ctx.fillStyle = colour("--dim");
      ctx.textBaseline = "middle";
      chart.getDatasetMeta(0).data.forEach((bar, at) => {
        const value = chart.data.datasets[0].data[at];
        if (value !== null) ctx.fillText(number.format(value), Math.max(bar.x, bar.base) + 6, bar.y);
      });
      ctx.restore();
    },
  };

  function draw(canvas) {
    const { kind, labels, series } = data[Number(canvas.dataset.chart)];
    const line = kind === "line";
    const longest = Math.max(0, ...labels.map(label => label.length));
    // Names are read along the bar; short marks, such as months, and very many bars stand upright.
    const lying = !line && labels.length <= 40 && (longest > 7 || labels.length <= 3);
    const box = canvas.parentElement;
    const bars = labels.length * Math.max(1, series.length);
    if (lying) box.style.height = Math.max(120, bars * (series.length > 1 ? 16 : 26) + 64) + "px";
    const ink = colour("--dim"), grid = colour("--line");
    const names = {
      grid: { display: false }, border: { color: grid },
      ticks: {
        color: ink, autoSkip: !lying, maxRotation: 45,
        callback(value) {
          const letters = Math.max(10, Math.min(32, Math.floor(this.chart.width / 20)));
          return shorten(this.getLabelForValue(value), letters);
        },
      },
    };
    const counts = {
      grid: { color: grid }, border: { display: false }, beginAtZero: !line,
      ticks: { color: ink, maxTicksLimit: 6, callback: value => number.format(value) },
    };
    const chart = new Chart(canvas, {
      type: kind,
      data: {
        labels,
        datasets: series.map(({ name, values }, at) => {
          const own = colour("--series-" + (at % 6 + 1));
          return {
            label: name, data: values, backgroundColor: own, borderColor: own, borderWidth: line ? 2 : 0,
            borderDash: at < 6 ? [] : [6, 4], borderRadius: 3, maxBarThickness: 28, pointRadius: labels.length > 40 ? 0 : 3,
            pointHitRadius: 12, tension: 0, spanGaps: false,
          };
        }),
      },
      options: {
        animation: false, responsive: true, maintainAspectRatio: false, indexAxis: lying ? "y" : "x", locale: "en-US",
        interaction: { mode: "index", intersect: false, axis: lying ? "y" : "x" },
        layout: { padding: { right: lying ? 56 : 8 } },
        scales: lying ? { x: counts, y: names } : { x: names, y: counts },
        plugins: {
          legend: { display: series.length > 1, position: "bottom", labels: { color: colour("--ink"), boxWidth: 14 } },
          tooltip: { callbacks: { title: items => items.length ? labels[items[0].dataIndex] : "" } },
        },
      },
      plugins: [values],
    });
    chart.$values = lying && series.length === 1;
    chart.update();
    drawn.push(chart);
  }

  function drawAll() {
    while (drawn.length) drawn.pop().destroy();
    document.querySelectorAll("canvas[data-chart]").forEach(draw);
  }

  if (window.Chart) {
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    drawAll();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  }

  // On paper: light, sharp, and with what is folded up on the screen, but for the numbers of charts of many rows.
  let opened = [];
  addEventListener("beforeprint", () => {
    root.dataset.paper = "";
    opened = [...document.querySelectorAll("details:not([open])")].filter(of => of.querySelectorAll("tr").length <= 41);
    for (const details of opened) details.open = true;
    if (!window.Chart) return;
    Chart.defaults.devicePixelRatio = 3;
    drawAll();
  });
  addEventListener("afterprint", () => {
    delete root.dataset.paper;
    for (const details of opened) details.open = false;
    if (!window.Chart) return;
    delete Chart.defaults.devicePixelRatio;
    drawAll();
  });

  const days = Math.floor((Date.now() - Date.parse(document.getElementById("made").dateTime)) / 86400000);
  if (days > 0) document.getElementById("age").textContent = ` (${days === 1 ? "a day" : days + " days"} old by now)`;
})();
