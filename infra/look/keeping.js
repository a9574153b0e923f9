// A page that is drawn anew under its reader's hands: what he has changed stays, all else is renewed.
// A form counts as changed while a value differs from what the server drew, or where the server
// itself drew what he had typed (`data-kept`, after a refusal). Where every choice is sent at once and
// the server's drawing counts (`data-drawn`), nothing is kept.
(() => {
  const NOT_STATE = ["once", "form_token"];
  const SKIP = "hx-morph-skip";
  const CHANGED = "note-changed";
  const GONE = "note-gone";

  const named = (form) => `${form.getAttribute("method")} ${form.getAttribute("action")}`;
  const titled = (details) => details.querySelector("summary")?.textContent.trim() ?? "";

  // Pairs what is on the page with what comes: the n-th of a name is the n-th of that name again.
  function pairs(old, fresh, selector, name) {
    const coming = new Map();
    for (const each of fresh.querySelectorAll(selector)) {
      coming.set(name(each), [...(coming.get(name(each)) ?? []), each]);
    }
    return [...old.querySelectorAll(selector)].map((each) => [each, coming.get(name(each))?.shift()]);
  }

  function isTouched(control) {
    if (control.type === "hidden") return false;
    if (control instanceof HTMLSelectElement) {
      const options = [...control.options];
      const drawn = options.some((each) => each.defaultSelected);
      return options.some((each, at) => each.selected !== (drawn ? each.defaultSelected : at === 0 && !control.multiple));
    }
    if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
    return "defaultValue" in control && control.value !== control.defaultValue;
  }

  const isDrawn = (form) => form.closest("[data-drawn]") || form.querySelector("[data-drawn]");
  const isChanged = (form) => !isDrawn(form) && (form.hasAttribute("data-kept") || [...form.elements].some(isTouched));

  // What the form stands on: the hidden fields, but not those that are new with every drawing.
  function state(form) {
    const hidden = [...form.querySelectorAll("input[type=hidden]")].filter((each) => !NOT_STATE.includes(each.name));
    return JSON.stringify(hidden.map((each) => [each.name, each.getAttribute("value")]));
  }

  function note(form, id) {
    const words = document.getElementById(id)?.content.firstElementChild?.cloneNode(true);
    if (!words) return;
    words.id = `${id}-of-${form.id}`;
    form.before(words);
  }

  // Where a form shall stand that is drawn no more: in what held it, if that is still there.
  function place(form, fresh) {
    for (let each = form.parentElement; each; each = each.parentElement) {
      const same = each.id && fresh.querySelector(`#${CSS.escape(each.id)}`);
      if (same) return same;
    }
    return fresh.lastElementChild ?? fresh;
  }

  function keepForms(old, fresh) {
    pairs(old, fresh, "form", named).forEach(([form, coming], at) => {
      // An id on both makes sure that the one becomes the other.
      form.id ||= coming?.id || `form-${at}-${Date.now()}`;
      const isKept = isChanged(form);
      form.toggleAttribute(SKIP, isKept);
      if (coming) {
        coming.id = form.id;
        if (isKept && state(form) !== state(coming)) note(coming, CHANGED);
      } else if (isKept) {
        const stand = document.createElement("form");
        stand.id = form.id;
        place(form, fresh).append(stand);
        note(stand, GONE);
      }
    });
  }

  function keepDetails(old, fresh) {
    for (const [details, coming] of pairs(old, fresh, "details", titled)) {
      if (coming) coming.open = details.open;
    }
  }

  // Streams only: what a reader himself asks for may take the place of what he had.
  document.addEventListener("htmx:before:swap", ({ detail }) => {
    if (!detail.ctx?.sourceElement?.hasAttribute("hx-sse:connect")) return;
    for (const { fragment, target } of detail.tasks ?? []) {
      if (fragment && target instanceof Element) {
        keepForms(target, fragment);
        keepDetails(target, fragment);
      }
    }
  });
})();
