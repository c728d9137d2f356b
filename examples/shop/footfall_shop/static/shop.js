// What makes the shop handier where scripts run: suggestions, pictures that change with the colour, lists that follow
// their filters, the gift finder without reloads. Everything works without it. It says what happens in DOM events;
// telling-*.js passes them on.
document.documentElement.classList.add("js");
const $ = (selector, within = document) => within.querySelector(selector);
const known = () => JSON.parse($("#shop-data").textContent);
const say = (what, detail) => document.dispatchEvent(new CustomEvent(`shop:${what}`, { detail }));
const happened = (event, properties) => say("happened", [{ event, properties }]);

document.addEventListener("click", (click) => {
  const link = click.target.closest("a");
  if (!link) return;
  const { product, promotion, step, colour } = link.dataset;
  if (product && known().products[product]) happened("Product Clicked", known().products[product]);
  if (promotion && known().promotions[promotion]) happened("Promotion Clicked", known().promotions[promotion]);
  if (click.metaKey || click.ctrlKey || click.shiftKey || click.button) return;
  if (colour) {
    click.preventDefault();
    showColour(link, colour);
  } else if (step !== undefined || (link.closest("[data-gifts] .steps") && link.href)) {
    click.preventDefault();
    showStep(link.href, true);
  }
});

// Colours of a product
function showColour(link, colour) {
  for (const image of document.querySelectorAll("[data-gallery] img")) {
    image.src = image.getAttribute("src").replace(/-[a-z]+-(\d)\.svg$/, `-${colour}-$1.svg`);
  }
  for (const other of document.querySelectorAll("[data-colour]")) other.toggleAttribute("aria-current", other === link);
  $("[data-colour-name]").textContent = link.getAttribute("aria-label");
  $("[data-buy] [name=colour]").value = colour;
  history.replaceState(history.state, "", link.href);
}

// Sizes: say it beside the field
$("[data-buy]")?.addEventListener("invalid", (event) => {
  event.preventDefault();
  const message = $("[data-size-error]");
  message.hidden = false;
  message.closest("fieldset").classList.add("wrong");
  message.closest("fieldset").scrollIntoView({ block: "center" });
  $("[data-buy] [name=size]").focus({ preventScroll: true });
}, true);
$(".sizes")?.addEventListener("change", () => {
  $("[data-size-error]").hidden = true;
  $(".sizes").classList.remove("wrong");
});

// Wishes
$("[data-wish]")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { accept: "application/json" } });
  if (!answer.ok) return form.submit();
  const { isSaved, events } = await answer.json();
  $("button", form).setAttribute("aria-pressed", String(isSaved));
  $("[data-wish-text]").textContent = isSaved ? "Saved" : "Save for later";
  const count = $("[data-wishes]");
  count.textContent = String(Number(count.textContent) + (isSaved ? 1 : -1));
  count.hidden = count.textContent === "0";
  say("happened", events);
});

// Filters and quantities follow at once; empty fields stay out of the address
for (const form of document.querySelectorAll("[data-filters]")) {
  form.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.value === "") field.disabled = true;
  });
}
addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("[data-filters] :disabled")) field.disabled = false;
});
for (const form of document.querySelectorAll("[data-quantity]")) form.addEventListener("change", () => form.requestSubmit());

// Checkout
const checkout = $("[data-checkout]");
if (checkout) {
  $("[data-alert]")?.focus();
  const isPaid = () => checkout.card.value.replace(/[ -]/g, "").match(/^\d{12,19}$/);
  let isTold = false;
  const tellPayment = () => {
    const started = known().events.find((one) => one.event === "Checkout Started");
    if (isTold || !isPaid()) return;
    isTold = true;
    // That there was a card is told, never its number.
    happened("Payment Info Entered", { ...(started?.properties ?? { products: [] }), payment_method: "card", shipping_method: checkout.delivery.value });
  };
  checkout.card.addEventListener("change", tellPayment);
  checkout.addEventListener("submit", tellPayment);
  checkout.addEventListener("change", ({ target }) => {
    if (target.name !== "delivery") return;
    for (const total of document.querySelectorAll("[data-total]")) total.textContent = target.dataset.wayTotal;
    const row = $(".summary .sums div:nth-last-child(2)");
    $("dt", row).textContent = `Delivery: ${target.dataset.wayTitle}`;
    $("dd", row).textContent = target.dataset.wayFee;
  });
}

// Signing out: whoever comes next is somebody else
$("[data-sign-out]")?.addEventListener("submit", () => say("happened", [{ event: "Signed Out", properties: {} }, { reset: true }]));

// The gift finder: a part of the shop that is one page
async function showStep(address, isNew) {
  const answer = await fetch(address, { headers: { accept: "text/html" } }).catch(() => undefined);
  if (!answer?.ok) return location.assign(address); // the browser says what is wrong, or does better
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  // The address first: what is told below is told of it.
  if (isNew) history.pushState({ gifts: true }, "", address);
  document.title = next.title;
  $("[data-gifts]").replaceWith($("[data-gifts]", next));
  $("#shop-data").textContent = $("#shop-data", next).textContent;
  say("page");
  scrollTo(0, 0);
  $("#main").focus({ preventScroll: true });
}
if ($("[data-gifts]")) addEventListener("popstate", () => showStep(location.href, false));

// Suggestions
const search = $("[data-suggest]");
const field = $("input", search);
const shown = $("[data-suggestions]");
let asked = 0;
let waiting;
field.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(suggest, 120);
});
async function suggest() {
  const turn = ++asked;
  const text = field.value.trim();
  let found = [];
  if (text.length > 1) {
    try {
      found = await (await fetch(`/suggest?q=${encodeURIComponent(text)}`)).json();
    } catch {
      found = []; // without suggestions the field still searches
    }
  }
  if (turn !== asked) return;
  shown.replaceChildren(
    ...found.map((entry) => {
      const link = document.createElement("a");
      const about = document.createElement("small");
      link.href = entry.path;
      about.textContent = entry.about;
      link.append(entry.title, about);
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
  shown.hidden = found.length === 0;
}
search.addEventListener("keydown", (event) => {
  const links = [...shown.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  if (event.key === "Escape") {
    shown.hidden = true;
    field.focus();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && links.length && !shown.hidden) {
    event.preventDefault();
    const to = at + (event.key === "ArrowDown" ? 1 : -1);
    (links[to] ?? field).focus();
  }
});
document.addEventListener("click", ({ target }) => {
  if (!search.contains(target)) shown.hidden = true;
});

// Privacy choices; the answer is the only thing that is stored for them
const banner = $("[data-consent-banner]");
if (banner) {
  const answer = (decision) => {
    document.cookie = `shop_consent=${Number(decision.analytics)}${Number(decision.marketing)}; path=/; max-age=34128000; samesite=lax`;
    banner.hidden = true;
    say("consent", decision);
  };
  const before = document.cookie.match(/(?:^|; )shop_consent=([01])([01])/);
  banner.hidden = Boolean(before);
  const form = $("[data-consent-form]");
  if (before) {
    form.analytics.checked = before[1] === "1";
    form.marketing.checked = before[2] === "1";
    if (window.dataLayer) say("consent", { analytics: before[1] === "1", marketing: before[2] === "1" });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer({ analytics: form.analytics.checked, marketing: form.marketing.checked });
  });
  for (const button of document.querySelectorAll("[data-consent]")) {
    button.addEventListener("click", () => answer({ analytics: button.dataset.consent === "granted", marketing: button.dataset.consent === "granted" }));
  }
  $("[data-consent-open]").addEventListener("click", () => {
    banner.hidden = false;
    $("button", banner).focus();
  });
}
