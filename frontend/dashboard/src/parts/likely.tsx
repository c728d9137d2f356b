// How likely is an order? A number with a bar. Length and number say the same as the colour, so nobody needs to see it.

import { percent } from "../format";

/** Few visits end with an order, so the bar grows with the cube root: 1 % fills a fifth, 6 % two fifths, 22 % three. */
const length = (share: number) => Math.cbrt(Math.min(1, Math.max(0, share)));
/** Five steps of the bar's length, from red to green. */
export const stepOf = (share: number) => Math.min(4, Math.floor(length(share) * 5));

const PRIOR = "By a rule of thumb, until there are enough orders to learn from";

export function Likely({ share, isPrior }: { share: number; isPrior: boolean }) {
  return (
    <span class={`likely likely-${stepOf(share)} ${isPrior ? "likely-prior" : ""}`} title={isPrior ? PRIOR : undefined}>
      <b>{percent(share)}</b>
      <LikelyBar share={share} />
      {isPrior && <span class="hidden">by a rule of thumb</span>}
    </span>
  );
}

/** The bar alone; coloured by the `likely-…` class around it. */
export function LikelyBar({ share }: { share: number }) {
  return (
    <svg class="likely-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="likely-ground" width="100" height="8" />
      <rect class="likely-part" width={Math.max(2, length(share) * 100).toFixed(1)} height="8" />
    </svg>
  );
}
