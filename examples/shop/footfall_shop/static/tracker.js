// Loads the tracker, which reads its settings from this file's tag. An imported script never holds up the page: a tag with
// the tracker's own address would keep the page's load event waiting for a server that hangs.
import(document.currentScript.dataset.script).catch(() => {});
