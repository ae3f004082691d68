// Lists: row keys, selection with the bulk bar, the column chooser and column widths.
'use strict';
(() => {
  const { $, $$, on, post, typing, composing } = nq;
  const table = () => $('.tbl[data-list]'), boxes = () => $$('tbody .ck', table() || document.createElement('p'));
  let last = -1;

  function sync() {
    const all = boxes(), picked = all.filter(c => c.checked), head = $('[data-all]'), bulk = $('.bulk');
    if (head) { head.checked = all.length > 0 && picked.length === all.length; head.indeterminate = picked.length > 0 && !head.checked; }
    if (bulk) { bulk.hidden = !picked.length; $('[data-n]', bulk).textContent = picked.length; $('[data-sums]', bulk).textContent = sums(picked); }
  }
  // Sums of the money columns over the picked rows, in whole fen: no floats.
  function sums(picked) {
    return !picked.length ? '' : $$('th[data-sum]', table()).map(th => {
      const fen = picked.reduce((sum, c) => {
        const text = c.closest('tr').cells[th.cellIndex].textContent.replace(/[^\d.\u2212-]/g, '').replace('\u2212', '-');
        return /^-?\d+\.\d\d$/.test(text) ? sum + BigInt(text.replace('.', '')) : sum;
      }, 0n);
      const digits = String(fen < 0n ? -fen : fen).padStart(3, '0');
      const yuan = BigInt(digits.slice(0, -2)).toLocaleString('zh-CN');
      return `，${th.dataset.sum.replace('（元）', '')} ${fen < 0n ? '\u2212' : ''}¥${yuan}.${digits.slice(-2)}`;
    }).join('');
  }
  function pick(i, upTo) {
    const all = boxes(), on = upTo ? true : !all[i].checked;
    for (let n = upTo && last >= 0 ? Math.min(last, i) : i, end = upTo && last >= 0 ? Math.max(last, i) : i; n <= end; n++) all[n].checked = on;
    last = i; sync();
  }
  on('change', '[data-all]', el => { boxes().forEach(c => { c.checked = el.checked; }); sync(); });
  on('click', 'tbody .ck', (el, e) => {
    const i = boxes().indexOf(el);
    if (i < 0) return;
    if (e.shiftKey && last >= 0) { el.checked = true; pick(i, true); } else { last = i; sync(); }
  });
  on('click', '[data-rows-to]', el => { location.href = el.dataset.rowsTo + boxes().filter(c => c.checked).map(c => `id=${c.value}`).join('&'); });
  on('click', '[data-clear]', () => { boxes().forEach(c => { c.checked = false; }); sync(); });
  document.addEventListener('htmx:after:swap', () => { last = -1; sync(); });

  document.addEventListener('keydown', e => {
    if (composing(e) || e.ctrlKey || e.metaKey || e.altKey || !table() || $('dialog[open],.menu:popover-open')) return;
    if (typing(e.target)) { if (e.key === 'Escape' && e.target.closest('[data-find]')) e.target.blur(); return; }
    const letters = !('noLetters' in document.body.dataset), rows = $$('tbody tr[data-url]', table()), at = rows.findIndex(r => r.classList.contains('cur'));
    const move = step => {
      e.preventDefault(); rows[at]?.classList.remove('cur');
      const row = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
      row?.classList.add('cur'); row?.scrollIntoView({ block: 'nearest' });
    };
    const key = e.key.toLowerCase();
    if (key === 'arrowdown' || letters && key === 'j') move(1);
    else if (key === 'arrowup' || letters && key === 'k') move(-1);
    else if (letters && key === 'x' && at >= 0) pick(at, e.shiftKey);
    else if (key === 'enter' && at >= 0 && !e.target.closest('a,button,input')) location.href = rows[at].dataset.url;
    else if (key === 'escape') { if (boxes().some(c => c.checked)) $('[data-clear]').click(); else rows[at]?.classList.remove('cur'); }
  });

  // Search while typing, but not while an input method is still composing.
  let wait = 0;
  const search = el => { clearTimeout(wait); wait = setTimeout(() => el.dispatchEvent(new Event('search-now')), 300); };
  on('input', '[data-find] input', (el, e) => { if (!composing(e)) search(el); });
  on('compositionend', '[data-find] input', search);

  // Column widths: drag the edge of a head; the new width is saved for this person.
  on('pointerdown', '[data-resize]', (grip, e) => {
    const th = grip.closest('th'), name = th.dataset.col, col = $(`col[data-col="${CSS.escape(name)}"]`), x = e.clientX, start = th.offsetWidth;
    const cells = $$('tbody tr,tfoot tr', table()).map(tr => tr.cells[th.cellIndex]).filter(Boolean);
    e.preventDefault(); grip.setPointerCapture(e.pointerId); cells.forEach(td => td.classList.add('clip'));
    const drag = m => { col.className = ''; col.width = Math.max(48, Math.round(start + m.clientX - x)); };
    const drop = () => {
      grip.removeEventListener('pointermove', drag);
      const body = new FormData(); body.set('width', `${name}:${col.width}`);
      if (col.width && table().dataset.columnsUrl) post(table().dataset.columnsUrl, body);
    };
    grip.addEventListener('pointermove', drag); grip.addEventListener('pointerup', drop, { once: true });
  });

  // Column chooser: drag, or Alt with arrows, changes the order; the form posts them in the order shown.
  let dragged = null;
  on('dragstart', '[data-columns] label', el => { dragged = el; });
  on('dragover', '[data-columns] label', (el, e) => {
    if (!dragged || dragged === el) return;
    e.preventDefault(); const box = el.getBoundingClientRect();
    el[e.clientY > box.top + box.height / 2 ? 'after' : 'before'](dragged);
  });
  on('dragend', '[data-columns] label', () => { dragged = null; });
  on('keydown', '[data-columns] label', (el, e) => {
    if (!e.altKey || e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
    e.preventDefault(); e.stopPropagation();
    const other = e.key === 'ArrowDown' ? el.nextElementSibling : el.previousElementSibling;
    if (other?.matches('label')) { other[e.key === 'ArrowDown' ? 'after' : 'before'](el); $('input', el).focus(); }
  });
  boxes().forEach(c => { c.checked = false; }); sync();  // browsers restore ticks on reload
})();
