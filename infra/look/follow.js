// A page that changes while one works on it keeps what its reader has opened, and shows of a form
// exactly what the server has drawn.
(() => {
  let open = [];
  document.addEventListener("htmx:before:swap", () => {
    open = [...document.querySelectorAll("details[open][id]")].map((each) => each.id);
  });
  document.addEventListener("htmx:after:swap", () => {
    for (const id of open) {
      document.getElementById(id)?.setAttribute("open", "");
    }
    for (const each of document.querySelectorAll("[data-drawn] input:is([type=radio], [type=checkbox])")) {
      each.checked = each.defaultChecked;
    }
  });
})();
