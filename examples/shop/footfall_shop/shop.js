// What the shop tells Footfall: what the page says of itself, and what the visitor does on it.
const data = JSON.parse(document.getElementById("shop-data").textContent);
// The stub's functions are replaced by the tracker's when it has loaded, so look each time.
const tell = (call, ...args) => window.footfall[call](...args);

tell("page", ...data.page);
if (data.user) tell("identify", data.user, { email: data.user });
for (const { event, properties } of data.events) tell("track", event, properties);

document.addEventListener("submit", ({ target: form }) => {
  const field = (name) => form.elements[name]?.value;
  if (form.dataset.event === "Product Added") {
    tell("track", "Product Added", { ...data.product, quantity: Number(field("quantity")), size: field("size") });
  } else if (form.dataset.event === "Product Removed") {
    tell("track", "Product Removed", data.lines[form.dataset.line]);
  } else if (form.dataset.event === "Payment Info Entered") {
    tell("track", "Payment Info Entered", { ...data.checkout, payment_method: field("payment") });
    tell("identify", field("email"), { email: field("email"), name: field("name") });
  } else if ("signOut" in form.dataset) {
    tell("track", "Signed Out");
    tell("reset");
  }
});

document.addEventListener("click", ({ target }) => {
  const wish = target.closest("[data-wishlist]");
  if (wish && wish.getAttribute("aria-pressed") === "false") {
    wish.setAttribute("aria-pressed", "true");
    wish.textContent = "Saved";
    tell("track", "Product Added to Wishlist", data.product);
  }
  const answer = target.closest("[data-consent]");
  if (answer) {
    tell("consent", answer.dataset.consent);
    banner.hidden = true;
  }
});

document.querySelector("[data-sort]")?.addEventListener("change", (event) => event.currentTarget.submit());

const banner = document.querySelector("[data-consent-banner]");
if (banner) banner.hidden = document.cookie.includes("ff_consent=");
