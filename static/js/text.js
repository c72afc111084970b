/** The few sentences that scripts show, as the page has translated them (`data-texts` on body). */
const texts = JSON.parse(document.body.dataset.texts ?? "{}");

export function text(key, values = {}) {
  return Object.entries(values).reduce(
    (sentence, [name, value]) => sentence.replace(`{${name}}`, value),
    texts[key] ?? "",
  );
}
