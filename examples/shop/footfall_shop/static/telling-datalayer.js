// What a shop with Google Tag Manager says: the same happenings as GA4 entries of window.dataLayer. The page carries
// nothing of the tracker but its tag, which listens to this array.
window.dataLayer = window.dataLayer || [];
const gtag = function () {
  window.dataLayer.push(arguments);
};
const data = () => JSON.parse(document.getElementById("shop-data").textContent);

function itemOf(product) {
  const [category, category2, category3] = (product.category || "").split("/");
  const item = {
    item_id: product.product_id,
    item_name: product.name,
    item_brand: product.brand,
    item_category: category,
    item_category2: category2,
    item_category3: category3,
    item_variant: product.variant,
    item_list_id: product.list_id,
    index: product.position,
    coupon: product.coupon,
    price: product.price,
    discount: product.regular_price ? Math.round(100 * (product.regular_price - product.price)) / 100 : undefined,
    quantity: product.quantity || 1,
  };
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined));
}

const one = (p) => ({ currency: p.currency, value: p.price * (p.quantity || 1), items: [itemOf(p)] });
const list = (p) => ({ item_list_id: p.list_id, item_list_name: p.category, items: p.products.map(itemOf) });
const sum = (p) => ({ currency: p.currency, value: p.value, coupon: p.coupon, items: p.products.map(itemOf) });
const order = (p) => ({
  transaction_id: p.order_id,
  affiliation: p.affiliation,
  value: p.revenue,
  tax: p.tax,
  shipping: p.shipping,
  currency: p.currency,
  coupon: p.coupon,
  items: p.products.map(itemOf),
});
const promotion = (p) => ({ promotion_id: p.promotion_id, promotion_name: p.name, creative_name: p.creative, creative_slot: p.position, items: [] });

const NAMES = {
  "Product List Viewed": ["view_item_list", list],
  "Product List Filtered": ["view_item_list", list],
  "Product Clicked": ["select_item", (p) => ({ item_list_id: p.list_id, items: [itemOf(p)] })],
  "Product Viewed": ["view_item", one],
  "Product Added": ["add_to_cart", one],
  "Product Removed": ["remove_from_cart", one],
  "Cart Viewed": ["view_cart", sum],
  "Product Added to Wishlist": ["add_to_wishlist", one],
  "Checkout Started": ["begin_checkout", sum],
  "Payment Info Entered": ["add_payment_info", (p) => ({ ...sum(p), payment_type: p.payment_method })],
  "Order Completed": ["purchase", order],
  "Order Refunded": ["refund", order],
  "Promotion Viewed": ["view_promotion", promotion],
  "Promotion Clicked": ["select_promotion", promotion],
};
const PLAIN = {
  "Products Searched": (p) => ({ event: "search", search_term: p.query }),
  "Signed In": (p) => ({ event: "login", method: p.method }),
  "Signed Up": (p) => ({ event: "sign_up", method: p.method }),
  "Coupon Applied": (p) => ({ event: "coupon_applied", coupon: p.coupon_id, discount: p.discount }),
};

// The shape of Enhanced E-commerce, which many shops still write.
function pushOlder(p) {
  window.dataLayer.push({
    ecommerce: {
      currencyCode: p.currency,
      purchase: {
        actionField: { id: p.order_id, affiliation: p.affiliation, revenue: p.revenue, tax: p.tax, shipping: p.shipping, coupon: p.coupon },
        products: p.products.map((line) => ({ id: line.product_id, name: line.name, brand: line.brand, category: line.category, variant: line.variant, price: line.price, quantity: line.quantity })),
      },
    },
  });
}

function tell(happened) {
  if (happened.identify) {
    window.dataLayer.push({ user_id: happened.identify, user_data: { email: happened.traits.email } });
    return;
  }
  if (happened.reset) {
    window.dataLayer.push({ user_id: null, user_data: null });
    return;
  }
  const { event, properties } = happened;
  if (PLAIN[event]) window.dataLayer.push(PLAIN[event](properties));
  if (!NAMES[event]) return;
  const [name, shape] = NAMES[event];
  window.dataLayer.push({ ecommerce: null });
  window.dataLayer.push({ event: name, ecommerce: shape(properties) });
  if (event === "Order Completed" && data().legacyOrder) pushOlder(properties);
}

const state = (isGranted) => (isGranted ? "granted" : "denied");
const choice = (c) => ({ analytics_storage: state(c.analytics), ad_storage: state(c.marketing), ad_user_data: state(c.marketing), ad_personalization: state(c.marketing) });

if (document.querySelector("[data-consent-banner]")) gtag("consent", "default", choice({ analytics: false, marketing: false }));
document.addEventListener("shop:happened", ({ detail }) => detail.forEach(tell));
document.addEventListener("shop:page", () => data().events.forEach(tell));
document.addEventListener("shop:consent", ({ detail }) => gtag("consent", "update", choice(detail)));
data().events.forEach(tell);
