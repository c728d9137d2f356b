// What a shop says to the tracker itself: Segment's calls. This and stub.js are what to copy into a shop of yours.
const data = () => JSON.parse(document.getElementById("shop-data").textContent);
// The stub's functions are replaced by the tracker's when it has loaded, so look each time.
const call = (name, ...args) => window.footfall[name](...args);

function tell(happened) {
  if (happened.identify) call("identify", happened.identify, happened.traits);
  else if (happened.reset) call("reset");
  else call("track", happened.event, happened.properties);
}

function tellPage() {
  const { page, events } = data();
  call("page", ...page);
  events.forEach(tell);
}

// The shop's own script says what the visitor does.
document.addEventListener("shop:happened", ({ detail }) => detail.forEach(tell));
document.addEventListener("shop:page", tellPage);
document.addEventListener("shop:consent", ({ detail }) => call("consent", detail));
// A page that the back button brings back as it was is seen again; what was told on it happened once. The tracker takes up
// its work in a listener of its own, so this waits until that has run.
addEventListener("pageshow", ({ persisted }) => persisted && setTimeout(() => call("page", ...data().page)));
tellPage();
