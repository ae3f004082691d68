// The inbox by keys: J and K move, Enter opens.
'use strict';
(() => {
  const { $, $$, typing, composing } = nq;
  document.addEventListener('keydown', e => {
    if (composing(e) || typing(e.target) || e.ctrlKey || e.metaKey || e.altKey || $('dialog[open],.menu:popover-open')) return;
    const letters = !('noLetters' in document.body.dataset), key = e.key.toLowerCase();
    const rows = $$('[data-notice]'), at = rows.findIndex(r => r.classList.contains('cur'));
    const step = key === 'arrowdown' || letters && key === 'j' ? 1 : key === 'arrowup' || letters && key === 'k' ? -1 : 0;
    if (step && rows.length) {
      e.preventDefault(); rows[at]?.classList.remove('cur');
      const row = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
      row.classList.add('cur'); row.scrollIntoView({ block: 'nearest' });
    } else if (key === 'enter' && at >= 0 && !e.target.closest('a,button,input')) $('a', rows[at]).click();
  });
})();
