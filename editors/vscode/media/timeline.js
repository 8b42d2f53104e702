// Puts drawings on the page and marks the statement of the cursor.
// @ts-check

(() => {
  /** @type {{ postMessage(message: unknown): void }} */
  // @ts-expect-error the editor defines this
  const editor = acquireVsCodeApi();
  /** @type {{ section: string, statement: number } | null} */
  let place = null;

  /** @param {string} id @param {string | null | undefined} svg */
  const draw = (id, svg) => {
    const figure = /** @type {HTMLElement} */ (document.getElementById(id));
    figure.hidden = !svg;
    const drawing = svg ? new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement : undefined;
    figure.replaceChildren(...(drawing ? [document.adoptNode(drawing)] : []));
  };

  const mark = () => {
    for (const it of document.querySelectorAll('.current')) it.classList.remove('current');
    if (place?.section !== 'up') return;
    for (const it of document.querySelectorAll(`#before [data-statement="${place.statement}"]`)) {
      it.classList.add('current');
      it.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
  };

  window.addEventListener('message', ({ data }) => {
    if ('drawings' in data) {
      /** @type {HTMLElement} */ (document.getElementById('empty')).hidden = data.drawings !== null;
      draw('before', data.drawings?.before);
      draw('after', data.drawings?.after);
    }
    if ('place' in data) place = data.place;
    mark();
  });
  editor.postMessage('ready');
})();
