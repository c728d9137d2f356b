// Takes calls before the tracker has loaded; it finds them in this array.
window.footfall = window.footfall || [];
if (!window.footfall.isLoaded) {
  for (const call of ["page", "track", "identify", "group", "alias", "reset", "consent", "flush"]) {
    window.footfall[call] = (...args) => window.footfall.push([call, ...args]);
  }
}
