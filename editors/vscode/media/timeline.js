// Puts drawings on the page, marks the statement of the cursor, and leads to a statement that is clicked.
// @ts-check

(() => {
  /** @type {{ postMessage(message: unknown): void }} */
  // @ts-expect-error the editor defines this
  const editor = acquireVsCodeApi();
  /** @type {{ section: string, statement: number } | null} */
  let place = null;

  /** A column of the migration as it is; other files are not there yet. */
  const COLUMN = ':is(#before, #down) [data-statement]';

  /** The name of a lane. */
  const NAME = '.lane > text';

  /** Smaller than this part of their size drawings cannot be read; then they are scrolled. */
  const SMALLEST = 0.7;

  /** @param {string} id @param {string | null | undefined} svg */
  const draw = (id, svg) => {
    const figure = /** @type {HTMLElement} */ (document.getElementById(id));
    figure.hidden = !svg;
    const drawing = svg ? new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement : undefined;
    if (drawing) drawing.style.minWidth = `${SMALLEST * Number(drawing.getAttribute('width'))}px`;
    figure.replaceChildren(...(drawing ? [document.adoptNode(drawing)] : []));
    // The names of lanes stay in sight, over what is scrolled below them.
    for (const it of figure.querySelectorAll(NAME)) it.parentElement?.append(it);
    follow(figure);
  };

  /** @param {HTMLElement} figure */
  const follow = (figure) => {
    const drawing = figure.querySelector('svg');
    if (!drawing) return;
    const scrolled = (figure.scrollLeft * Number(drawing.getAttribute('width'))) / drawing.getBoundingClientRect().width;
    for (const it of figure.querySelectorAll(NAME)) it.setAttribute('transform', `translate(${scrolled || 0} 0)`);
  };

  const mark = () => {
    for (const it of document.querySelectorAll('.current')) it.classList.remove('current');
    if (!place) return;
    // Several statements alike are one column.
    for (const it of document.querySelectorAll(COLUMN)) {
      if (it.closest('[data-section]')?.getAttribute('data-section') !== place.section) continue;
      const first = Number(it.getAttribute('data-statement'));
      const last = Number(it.getAttribute('data-through') ?? first);
      if (place.statement < first || place.statement > last) continue;
      it.classList.add('current');
      it.querySelector('.band')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
  };

  window.addEventListener('click', ({ clientX, clientY }) => {
    // Locks are drawn over the columns.
    const here = document.elementsFromPoint(clientX, clientY).map((it) => it.closest(COLUMN));
    const column = here.find((it) => it !== null);
    const section = column?.closest('[data-section]')?.getAttribute('data-section');
    if (column && section) editor.postMessage({ section, statement: Number(column.getAttribute('data-statement')) });
  });

  for (const figure of document.querySelectorAll('figure')) figure.addEventListener('scroll', () => follow(figure));

  const empty = /** @type {HTMLElement} */ (document.getElementById('empty'));
  const invitation = empty.textContent;

  window.addEventListener('message', ({ data }) => {
    // Said only where no drawing stands yet.
    if ('drawing' in data) empty.textContent = 'Drawing the locks of this migration\u2026';
    if ('drawings' in data) {
      empty.textContent = invitation;
      empty.hidden = data.drawings !== null;
      draw('before', data.drawings?.before);
      draw('after', data.drawings?.after);
      draw('down', data.drawings?.down);
    }
    if ('place' in data) place = data.place;
    mark();
  });
  editor.postMessage('ready');
})();
