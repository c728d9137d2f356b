// How did a number move in the last minutes? A line without axes; the numbers stand beside it as text.

const WIDTH = 300;
const HEIGHT = 56;

/** `slots` is how many values fill the width; fewer are drawn from the right, so that the line moves in. */
export function Sparkline({ values, slots, label }: { values: readonly number[]; slots: number; label: string }) {
  const top = Math.max(1, ...values) * 1.15;
  const step = WIDTH / (slots - 1);
  const points = values.map((value, index) => {
    const x = WIDTH - (values.length - 1 - index) * step;
    return `${x.toFixed(1)} ${(HEIGHT - 2 - (value / top) * (HEIGHT - 6)).toFixed(1)}`;
  });
  const line = points.length > 1 ? `M${points.join("L")}` : "";
  const left = points[0]?.split(" ")[0];
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {line && <path class="sparkline-area" d={`${line}L${WIDTH} ${HEIGHT}L${left} ${HEIGHT}Z`} />}
      <path class="sparkline-line" d={line || `M0 ${HEIGHT - 2}H${WIDTH}`} vector-effect="non-scaling-stroke" />
    </svg>
  );
}
