// Pickers: a text field over a hidden id. The server answers after one character; an empty field shows recent ones.
// Answer of the picker address: JSON {"items": [{"id", "label", "meta"}]}, most likely first.
'use strict';
(() => {
  const { $, $$, on, composing } = nq;
  let wait = 0, asked = 0, pending = null, wanted = null;  // the box whose answer is under way; the box where Enter came first
  const parts = box => ({ id: $('input[type=hidden]', box), text: $('input[type=text]', box) });
  const list = box => $('.pick', box);

  function close(box) { list(box)?.remove(); const { text } = parts(box); text.setAttribute('aria-expanded', 'false'); text.removeAttribute('aria-activedescendant'); }
  function choose(box, item) {
    const { id, text } = parts(box);
    id.value = item.dataset.id; text.value = item.dataset.label; text.dataset.chosen = text.value; close(box);
    text.removeAttribute('aria-invalid'); id.dispatchEvent(new Event('change', { bubbles: true }));
  }
  async function ask(box) {
    const mine = ++asked, { text } = parts(box), url = new URL(box.dataset.picker, location.href);
    url.searchParams.set('q', text.value === text.dataset.chosen ? '' : text.value.trim());
    let items = [];
    try { const answer = await fetch(url, { headers: { Accept: 'application/json' } }); items = (await answer.json()).items; } catch { if (mine === asked) { pending = null; text.ariaBusy = null; nq.toast('网络不通，没有找成。恢复后再输一个字。'); } return; }
    if (mine !== asked || document.activeElement !== text) return;
    pending = null; text.ariaBusy = null; show(box, items);
    if (wanted === box) { wanted = null; const first = $('[role=option]', box); if (first) choose(box, first); }
  }
  function show(box, items) {
    close(box);
    const { text } = parts(box), ul = document.createElement('ul');
    ul.className = 'pick'; ul.role = 'listbox'; ul.id = 'pick-list'; ul.setAttribute('aria-label', '可选');
    items.forEach((item, i) => {
      const li = document.createElement('li'), name = document.createElement('span');
      li.role = 'option'; li.id = `pick-${i}`; li.dataset.id = item.id; li.dataset.label = item.label; li.setAttribute('aria-selected', i === 0);
      name.textContent = item.label; li.append(name);
      if (item.meta) { const meta = document.createElement('small'); meta.textContent = item.meta; li.append(meta); }
      ul.append(li);
    });
    if (!items.length) { const li = document.createElement('li'); li.className = 'mut'; li.textContent = '没有叫这个的，换几个字再找'; ul.append(li); }
    box.append(ul);
    // In the top layer: a dialog or a scrolling table would cut it off.
    ul.popover = 'manual'; ul.showPopover();
    const at = box.getBoundingClientRect(), below = innerHeight - at.bottom - 12, up = below < Math.min(ul.scrollHeight, 240) && at.top > below;
    ul.style.width = `${at.width}px`; ul.style.left = `${at.left}px`; ul.style.maxHeight = `${Math.min(320, up ? at.top - 12 : below)}px`;
    ul.style.top = up ? 'auto' : `${at.bottom + 4}px`; ul.style.bottom = up ? `${innerHeight - at.top + 4}px` : 'auto';
    text.setAttribute('aria-expanded', 'true'); text.setAttribute('aria-controls', 'pick-list');
    if (items.length) text.setAttribute('aria-activedescendant', 'pick-0');
  }
  function move(box, step) {
    const items = $$('[role=option]', box), i = items.findIndex(x => x.getAttribute('aria-selected') === 'true');
    const to = items[(i + step + items.length) % items.length];
    items.forEach(x => x.setAttribute('aria-selected', x === to)); to?.scrollIntoView({ block: 'nearest' });
    parts(box).text.setAttribute('aria-activedescendant', to?.id || '');
  }
  on('focusin', '[data-picker] input[type=text]', el => { if (el.dataset.chosen === undefined) el.dataset.chosen = el.value; if (!el.value) ask(el.closest('[data-picker]')); });
  on('input', '[data-picker] input[type=text]', (el, e) => {
    if (composing(e)) return;
    const box = el.closest('[data-picker]');
    // What is on the list was asked for other letters: Enter must not take it.
    parts(box).id.value = ''; close(box); asked++; pending = box; el.ariaBusy = 'true'; wanted = null; clearTimeout(wait); wait = setTimeout(() => ask(box), 120);
  });
  on('compositionend', '[data-picker] input[type=text]', el => { parts(el.closest('[data-picker]')).id.value = ''; ask(el.closest('[data-picker]')); });
  on('keydown', '[data-picker] input[type=text]', (el, e) => {
    const box = el.closest('[data-picker]'), open = list(box);
    if (composing(e)) return;
    if (e.key === 'Enter' && pending === box) { e.preventDefault(); e.stopPropagation(); wanted = box; return; }
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { e.preventDefault(); e.stopPropagation(); if (open) move(box, e.key === 'ArrowDown' ? 1 : -1); else ask(box); }
    else if (open && (e.key === 'Enter' || e.key === 'Tab')) {
      const item = $('[aria-selected=true]', open);
      if (e.key === 'Enter') e.preventDefault();
      if (item && (e.key === 'Enter' || el.value.trim() && !parts(box).id.value)) choose(box, item);
    } else if (open && e.key === 'Escape') { e.preventDefault(); e.stopPropagation(); close(box); }
  });
  on('mousedown', '.pick [role=option]', (li, e) => { e.preventDefault(); choose(li.closest('[data-picker]'), li); });
  on('focusout', '[data-picker] input[type=text]', el => {
    const box = el.closest('[data-picker]'), { id } = parts(box);
    close(box); clearTimeout(wait); asked++; pending = wanted = null; el.ariaBusy = null;
    if (!id.value && el.value.trim()) el.setAttribute('aria-invalid', 'true');  // text that is not a choice does not pass for one
  });
})();
