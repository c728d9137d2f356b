// The few drawings of the dashboard, one stroke each, in the colour of the text around them.

const PATHS = {
  visitors:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6 9c0-3.5 2.5-6 6-6s6 2.500 6 6M16 4.500a3.300 3.300 0 0 1 0 6.200M18 14.300c2 .8 3 2.700 3 5.700",
  ledger: "M4 19V9m5.300 10V5m5.400 14v-8M20 19V7",
  failed:
    "M12 8.500v4.500m0 3.500v.01M10.300 4.200 2.900 17a2 2 0 0 0 1.700 3h14.800a2 2 0 0 0 1.700-3L13.700 4.200a2 2 0 0 0-3.400 0Z",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5-2 4.500 4.500",
  back: "M14.500 5 8 12l6.500 7",
  steps:
    "M8 4c2 0 3 2 3 4.500S10 12 8.500 12 5 11 5 8.500 6 4 8 4Zm-1.500 10.500h4c0 2-1 3-2 3s-2-1-2-3ZM16 8c-2 0-3 2-3 4.500s1 3.500 2.500 3.500 3.500-1 3.500-3.500S18 8 16 8Zm1.500 10.500h-4c0 2 1 3 2 3s2-1 2-3Z",
  page: "M6 3.500h8l4 4V20.500H6zM14 3.500v4h4",
  list: "M4 6h4v4H4zm0 8h4v4H4zM11 8h9m-9 8h9",
  product: "M4 8.500 12 4l8 4.500v7L12 20l-8-4.500zm0 0 8 4.500 8-4.500M12 13v7",
  cart: "M3 4h2.500l2.300 10.500h9.700L20 7.500H6.500M9 19.500v.01m7.500-.01v.01",
  minus: "M6 12h12",
  heart: "M12 19.500S4.500 15 4.500 9.500A4 4 0 0 1 12 7.600a4 4 0 0 1 7.500 1.900C19.500 15 12 19.500 12 19.500Z",
  pay: "M3.500 6.500h17v11h-17zm0 4h17M7 14.500h3",
  order: "m5 12.500 4.500 4.500L19.500 7",
  refund: "M9 14 4.500 9.500 9 5m-4 4.500h9a5 5 0 0 1 0 10h-3",
  star: "m12 4 2.400 5 5.600.8-4 3.900.9 5.500-4.900-2.600-4.900 2.600.9-5.500-4-3.900 5.600-.8z",
  person:
    "M12 11.500a3.800 3.800 0 1 0 0-7.500 3.800 3.800 0 0 0 0 7.500Zm-7.500 8.500c0-4 3-6.500 7.500-6.500s7.500 2.500 7.500 6.500",
  scroll: "M12 4v16m-4.500-4.500L12 20l4.500-4.500",
  click: "m8 8 4 11 2-4.500L18.500 12.500zM5 5l1.500 1.500M9 3.500V5.500M3.500 9H5.500",
  mail: "M3.500 6h17v12h-17zm.5.500 8 6.500 8-6.500",
  dot: "M12 13.500a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3Z",
  end: "M6 5v14M18 5v14M6 12h12",
  again: "M19.500 12a7.500 7.500 0 1 1-2.400-5.500M19.500 4v4.500H15",
  models: "M4 19.500 9.500 13l4 3.500 6-8.500M15 7h5v5",
  down: "M12 5v14m-5-5 5 5 5-5",
  out: "M14 4.500H5v15h9M10 12h10.500m-3.500-3.500 3.500 3.500-3.500 3.500",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.7"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

const KINDS: Record<string, IconName> = {
  page_view: "page",
  list_view: "list",
  product_click: "click",
  product_view: "product",
  search: "search",
  cart_add: "cart",
  cart_remove: "minus",
  cart_view: "cart",
  wishlist_add: "heart",
  checkout_start: "pay",
  payment_info: "pay",
  order: "order",
  refund: "refund",
  promotion_view: "star",
  promotion_click: "star",
  sign_up: "person",
  sign_in: "person",
  identify: "person",
  form: "list",
  scroll: "scroll",
  click: "click",
  offer_shown: "star",
  offer_clicked: "star",
  offer_dismissed: "minus",
  email_opened: "mail",
  email_clicked: "mail",
  session_end: "end",
};

export const iconOfKind = (kind: string): IconName => (Object.hasOwn(KINDS, kind) ? KINDS[kind]! : "dot");
