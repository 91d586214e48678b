// What the theme leaves out for keyboards and screen readers; runs on every page.
document$.subscribe(() => {
  document.querySelector("[data-md-component=search]")?.setAttribute("aria-label", "Search");
  for (const nav of document.querySelectorAll(".md-nav[aria-labelledby]")) {
    nav.setAttribute("aria-label", `Menu: ${document.getElementById(nav.getAttribute("aria-labelledby"))?.innerText.trim()}`);
    nav.removeAttribute("aria-labelledby");
  }
  const mend = () => {
    for (const nav of document.querySelectorAll(".md-code__nav")) nav.setAttribute("role", "none"); // not a landmark each
    for (const box of document.querySelectorAll(".md-typeset__scrollwrap, pre > code")) box.tabIndex = 0;
  };
  mend();
  new MutationObserver(mend).observe(document.querySelector("article") ?? document.body, { childList: true, subtree: true });
});
