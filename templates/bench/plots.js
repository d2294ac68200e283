/* Draws the plots of a bench report with uPlot: colours from the page's style, so that light and dark follow the reader's
 * setting; widths from the page. What to draw stands in the page as JSON (src/output/bench-plots.ts). */
(() => {
  const plots = JSON.parse(document.getElementById('plots').textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const number = (value, digits = 0) => value.toLocaleString('en-US', { maximumFractionDigits: digits });
  const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
  const clock = (s) => (s < 60 ? `${s} s` : `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, '0')}`);
  const time = (ms) => {
    if (ms >= 1000) return `${number(ms / 1000, 2)} s`;
    return `${number(ms, ms < 10 ? 2 : 0)} ms`;
  };
  const size = (bytes) =>
    bytes >= 2 ** 30 ? `${number(bytes / 2 ** 30, 2)} GiB` : `${number(bytes / 2 ** 20)} MiB`;
  const units = {
    ms: { axis: time, value: time },
    'records/s': { axis: (v) => `${compact.format(v)}/s`, value: (v) => `${number(v)}/s` },
    records: { axis: (v) => compact.format(v), value: (v) => number(v) },
    percent: { axis: (v) => `${number(v)} %`, value: (v) => `${number(v, 1)} %` },
    bytes: { axis: size, value: size },
  };

  /** Sums from below, for areas that lie on each other; the topmost first, as it is painted first. */
  function stacked(spec) {
    const sums = [];
    spec.series.forEach(({ values }, at) => {
      sums.push(values.map((value, i) => (value ?? 0) + (sums[at - 1]?.[i] ?? 0)));
    });
    return sums.reverse();
  }

  /** Steps that people read easily: seconds that divide minutes and hours, bytes in powers of two. */
  const increments = {
    seconds: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400],
    bytes: Array.from({ length: 24 }, (_, at) => 2 ** (at + 20)),
  };

  function axis(values, options) {
    const line = { stroke: colour('line'), width: 1 };
    return { stroke: colour('quiet'), font: '12px system-ui, sans-serif', grid: line, ticks: line, values, ...options };
  }

  function yAxis(spec) {
    const { axis: format } = units[spec.unit];
    const plain = axis((_, splits) => splits.map((v) => (v === null ? '' : format(v))), { size: 68 });
    if (increments[spec.unit] !== undefined) plain.incrs = increments[spec.unit];
    if (!spec.log) return plain;
    const decades = (_, splits) => splits.map((v) => (Number.isInteger(Math.log10(v)) ? v : null));
    const { grid, ticks } = plain;
    return { ...plain, filter: decades, grid: { ...grid, filter: decades }, ticks: { ...ticks, filter: decades } };
  }

  function seriesOf(spec) {
    const { value } = units[spec.unit];
    const shown = spec.series.map((each, at) => {
      const stroke = each.dots === 'bad' ? colour('bad') : colour(`plot-${at + 1}`);
      const dots = each.dots !== undefined;
      return {
        label: each.label,
        stroke,
        width: each.dots === 'bad' ? 0 : 2,
        fill: spec.stacked ? stroke : undefined,
        points: { show: dots, size: each.dots === 'bad' ? 11 : 7, fill: stroke, stroke: colour('ground') },
        spanGaps: false,
        // Of sums the legend tells the part.
        value: (_, __, ___, i) => (i === null || each.values[i] === null ? '–' : value(each.values[i])),
      };
    });
    return spec.stacked ? shown.reverse() : shown;
  }

  /** Horizontal lines at what was asked for. */
  function limits(spec) {
    return (u) => {
      const { ctx, bbox } = u;
      const ratio = devicePixelRatio;
      ctx.save();
      ctx.strokeStyle = ctx.fillStyle = colour('bad');
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash([6 * ratio, 4 * ratio]);
      ctx.font = `${12 * ratio}px system-ui, sans-serif`;
      ctx.textAlign = 'right';
      ctx.textBaseline = 'bottom';
      for (const { label, value } of spec.limits) {
        const y = u.valToPos(value, 'y', true);
        if (y < bbox.top || y > bbox.top + bbox.height) continue;
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
        ctx.fillText(label, bbox.left + bbox.width - 4 * ratio, y - 3 * ratio);
      }
      ctx.restore();
    };
  }

  /** From zero to above the largest value, and to a limit that is not far above it. */
  function range(spec) {
    return (_, __, largest) => {
      const near = spec.limits.map(({ value }) => value).filter((value) => value <= 3 * largest);
      const top = Math.max(largest ?? 0, ...near);
      return [0, top <= 0 ? 1 : top * 1.1];
    };
  }

  function options(spec, width) {
    const ordinal = spec.xLabels !== null;
    const xValues = {
      seconds: (_, splits) => splits.map(clock),
      'records/s': (_, splits) => splits.map(units['records/s'].axis),
      percentile: (_, splits) => splits.map((at) => spec.xLabels?.[at] ?? ''),
    }[spec.x.unit];
    const xValue = { seconds: clock, 'records/s': units['records/s'].value, percentile: (at) => spec.xLabels?.[at] };
    return {
      width,
      height: 240,
      padding: [12, 16, 0, 0],
      scales: {
        x: { time: false, range: ordinal ? [-0.3, spec.xLabels.length - 0.7] : undefined },
        y: spec.log ? { distr: 3 } : { range: range(spec) },
      },
      axes: [
        axis(xValues, {
          ...(ordinal ? { splits: () => spec.xLabels.map((_, at) => at) } : {}),
          ...(increments[spec.x.unit] === undefined ? {} : { incrs: increments[spec.x.unit] }),
          space: 48,
        }),
        yAxis(spec),
      ],
      series: [
        { label: spec.x.label, value: (_, v) => (v === null ? '–' : xValue[spec.x.unit](v)) },
        ...seriesOf(spec),
      ],
      cursor: { sync: spec.x.unit === 'seconds' ? { key: spec.group } : undefined, drag: { x: true, y: false } },
      hooks: { draw: [limits(spec)] },
    };
  }

  const drawn = new Map();
  function draw(host, spec) {
    drawn.get(host)?.destroy();
    const width = Math.max(200, Math.floor(host.clientWidth));
    const values = spec.stacked ? stacked(spec) : spec.series.map((each) => each.values);
    drawn.set(host, new uPlot(options(spec, width), [spec.x.values, ...values], host));
  }

  const hosts = plots.map((spec) => [document.getElementById(spec.id), spec]);
  const drawAll = () => {
    for (const [host, spec] of hosts) draw(host, spec);
  };
  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const plot = drawn.get(target);
      const width = Math.max(200, Math.floor(target.clientWidth));
      if (plot && plot.width !== width) plot.setSize({ width, height: 240 });
    }
  });
  drawAll();
  for (const [host] of hosts) resized.observe(host);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
})();
