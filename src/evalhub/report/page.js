for (const filter of document.querySelectorAll(".filter")) {
  const samples = [...filter.parentElement.querySelectorAll(".sample")];
  const [search, outcome, found] = filter.querySelectorAll("input, select, output");
  const show = () => {
    const words = search.value.toLowerCase();
    let shown = 0;
    for (const sample of samples) {
      const kind = outcome.value;
      const fits = !kind || (kind === "lost" ? "lost" in sample.dataset : sample.dataset.outcome === kind);
      sample.hidden = !(fits && sample.textContent.toLowerCase().includes(words));
      shown += !sample.hidden;
    }
    found.value = `${shown} of ${samples.length}`;
  };
  search.addEventListener("input", show);
  outcome.addEventListener("change", show);
  filter.hidden = false;
  show();
}
