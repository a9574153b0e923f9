// Tells the server in which zone its reader lives; puts the focus where a page begins anew.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) {
    document.cookie = `qw_zone=${zone};path=/;max-age=31536000;samesite=lax`;
  }
  document.getElementById("fault")?.focus();
})();
