// The grid of a document's lines: a block from Excel pasted in, one panel for what is folded away, and the server asked
// while one types. What the answer says is shown beside the cells; the server says it all again when the form is saved.
'use strict';
(() => {
  const { $, $$, on, post, toast, composing } = nq;
  const box = $('[data-check]');
  if (!box) return;
  const form = box.closest('form'), prefix = box.dataset.lines, body = $('tbody', box), most = 2000;
  const rows = () => [...body.rows], live = () => rows().filter(tr => !tr.classList.contains('gone'));
  const keyOf = tr => $('[data-delete]', tr).name.split('-')[1];
  const named = (tr, name) => $(`[name="${prefix}-${keyOf(tr)}-${name}"]`, tr);
  const columns = $$('thead [data-h]', box).map(th => th.dataset.h).filter(name => $('template', box).content.querySelector(`[data-c="${name}"]`));
  const panel = $('[data-more-p]', box), labels = new Map();
  $$('thead [data-h]', box).forEach(th => { if (columns.includes(th.dataset.h)) labels.set(th.textContent.replace('*', '').trim(), th.dataset.h); });
  // The fields of the panel belong to the row it is open for, never to the form.
  $$('[name]', panel || box.ownerDocument.createElement('div')).forEach(x => {
    if (x.type !== 'hidden') { x.dataset.f = x.name.replace(/^more-/, ''); labels.set($(`label[for="${x.id}"]`, panel)?.textContent.replace('*', '').trim(), x.dataset.f); }
    x.removeAttribute('name'); x.removeAttribute('required');
  });

  function fresh() {
    const key = Math.max(-1, ...rows().map(tr => +keyOf(tr))) + 1;
    return make(key);
  }
  function make(key) {
    const piece = $('template', box).content.cloneNode(true);
    $$('*', piece).forEach(el => [...el.attributes].forEach(a => { if (a.value.includes('__n__')) el.setAttribute(a.name, a.value.replaceAll('__n__', key)); }));
    return piece.firstElementChild;
  }
  function put(tr, name, text) {
    const x = named(tr, name), visible = named(tr, `${name}__text`);
    if (visible) { x.value = ''; visible.value = text; visible.dataset.chosen = ''; return; }
    if (x) { x.value = text; return; }
    const made = document.createElement('input');
    made.type = 'hidden'; made.name = `${prefix}-${keyOf(tr)}-${name}`; made.value = text;
    $('.w-more', tr)?.append(made);
  }
  const filled = tr => $$('.w-more input', tr).filter(x => x.value && x.value !== 'off').length;
  const count = tr => { const n = $('.w-more .n', tr); if (n) n.textContent = filled(tr) || ''; };

  // More of a row
  let open = null;
  on('click', '[data-more]', (button, e) => {
    if (!box.contains(button)) return;
    open = button.closest('tr');
    $$('[data-f]', panel).forEach(x => { const v = named(open, x.dataset.f)?.value || ''; if (x.type === 'checkbox') x.checked = v === 'on'; else x.value = v; });
    panel.showPopover(); $('[data-f]', panel)?.focus(); e.preventDefault();
  });
  on('click', '[data-more-done]', () => panel.hidePopover());
  panel?.addEventListener('toggle', e => {
    if (e.newState !== 'closed' || !open) return;
    $$('[data-f]', panel).forEach(x => { const v = x.type === 'checkbox' ? (x.checked ? 'on' : '') : x.value; if (v !== (named(open, x.dataset.f)?.value || '')) put(open, x.dataset.f, v); });
    count(open); $('[data-more]', open).focus(); open = null; later();
  });

  // A block from Excel; with a line of headers it goes where they say, else from the cell on to the right and down.
  function parsed(text) {
    const out = [[]];
    let cell = '', quoted = false;
    text = text.replace(/\r\n?/g, '\n').replace(/\n+$/, '');
    for (let i = 0; i < text.length; i++) {
      const c = text[i];
      if (quoted) { if (c !== '"') cell += c; else if (text[i + 1] === '"') { cell += '"'; i++; } else quoted = false; }
      else if (c === '"' && !cell) quoted = true;
      else if (c === '\t' || c === '\n') { out.at(-1).push(cell); cell = ''; if (c === '\n') out.push([]); }
      else cell += c;
    }
    out.at(-1).push(cell);
    return out.map(line => line.map(v => v.replace(/\s+/g, ' ').trim())).filter(line => line.some(v => v));
  }
  function paste(at, text) {
    let block = parsed(text), names = columns.slice(columns.indexOf(at.closest('td').dataset.c));
    const heads = block[0].map(v => labels.get(v.replace('*', '')));
    if (heads.filter(Boolean).length >= 2) { names = heads; block = block.slice(1); }
    const from = at.closest('tr'), all = live(), start = all.indexOf(from), more = start + block.length - all.length;
    if (rows().length + Math.max(0, more) > most) { toast(`最多 ${most.toLocaleString('zh-CN')} 行，没有贴`); return; }
    let key = Math.max(-1, ...rows().map(tr => +keyOf(tr))) + 1;
    for (let n = 0; n < more; n++) { const tr = make(key++); body.append(tr); all.push(tr); }
    block.forEach((line, n) => {
      line.forEach((v, i) => { if (names[i]) put(all[start + n], names[i], v); });
      count(all[start + n]);
    });
    if (at.role === 'combobox') { at.blur(); $$('td.ed input:not([type=hidden])', from)[1]?.focus(); }
    number(); toast(`贴好 ${block.length} 行`); later();
  }
  function number() {
    live().forEach((tr, n) => { tr.cells[0].textContent = n + 1; });
    const n = $('[data-lines-n]', box); n.textContent = live().length ? `${live().length} 行` : '';
    $('[data-lines-table]', box).hidden = !rows().length;
  }
  box.addEventListener('paste', e => {
    const text = e.clipboardData.getData('text/plain');
    if (!e.target.matches('tbody input') || !/[\t\n]/.test(text.replace(/\r?\n$/, ''))) return;
    e.preventDefault(); paste(e.target, text);
  });
  box.addEventListener('focusin', e => { if (e.target.matches('td.ed input:not([role=combobox])')) e.target.select(); });
  // The last row is never the end: Enter in its last cell opens another one.
  box.addEventListener('keydown', e => {
    if (e.key !== 'Enter' || e.ctrlKey || e.metaKey || composing(e) || !e.target.matches('tbody input')) return;
    const all = live(), tr = e.target.closest('tr');
    if (tr !== all.at(-1) || e.target.closest('td') !== $$('td.ed', tr).at(-1)) return;
    e.preventDefault(); e.stopPropagation();
    const made = fresh(); body.append(made); number(); $('input:not([type=hidden])', made).focus();
  });

  // Asked while one types
  let wait = 0, asked = 0;
  const later = () => { clearTimeout(wait); wait = setTimeout(check, 250); };
  function given(tr) {
    const found = {};
    $$('input', tr).forEach(x => { const name = x.name.split('-').slice(2).join('-'); if (x.value && name !== 'id' && name !== 'delete') found[name] = x.value; });
    return found;
  }
  async function check() {
    const mine = ++asked, data = new FormData(), sent = new Map(live().map(tr => [keyOf(tr), [tr, JSON.stringify(given(tr))]]));
    const head = {};
    $$('input[name],select[name]', form).filter(x => !box.contains(x)).forEach(x => { if (x.value) head[x.name] = x.value; });
    data.append('data', JSON.stringify({ head, rows: [...sent].map(([key, [, text]]) => [key, JSON.parse(text)]) }));
    let answer;
    try { answer = await post(box.dataset.check, data); if (!answer.ok) return; answer = await answer.json(); } catch { return; }
    if (mine !== asked) return;
    for (const [key, [tr, text]] of sent) if (tr.isConnected && JSON.stringify(given(tr)) === text) apply(tr, answer.rows[key] || {});
    const shown = $('[data-checked]', box), unfolded = $('details', shown)?.open;
    shown.innerHTML = answer.html;
    if (unfolded && $('details', shown)) $('details', shown).open = true;
  }
  function apply(tr, said) {
    $$('td[data-lv]', tr).forEach(td => { delete td.dataset.lv; td.removeAttribute('title'); });
    $$('[data-o]', tr).forEach(td => { td.textContent = said.cells?.[td.dataset.o] ?? ''; td.title = said.titles?.[td.dataset.o] ?? ''; });
    if (said.product) {
      const id = named(tr, 'product'), text = named(tr, 'product__text');
      if (!id.value && document.activeElement !== text) { id.value = said.product[0]; text.value = text.dataset.chosen = said.product[1]; text.removeAttribute('aria-invalid'); }
    }
    const price = named(tr, 'price'); if (price) price.placeholder = said.price || '';
    const count = named(tr, 'quantity'); if (count) count.placeholder = said.free || '';
    const unit = named(tr, 'unit_name'); if (unit) unit.placeholder = said.unit || '';
    for (const [name, level, text] of said.issues || []) {
      const td = $(`[data-c="${name}"]`, tr) || $('.w-more', tr);
      if (td && td.dataset.lv !== 'bad') { td.dataset.lv = level; td.title = text; }
    }
  }
  on('click', '[data-go]', a => { const x = document.getElementById(a.dataset.go); x?.focus(); x?.scrollIntoView({ block: 'center' }); });
  form.addEventListener('input', e => { if (!composing(e)) later(); });
  form.addEventListener('change', later);
  form.addEventListener('compositionend', later);
  new MutationObserver(later).observe(body, { childList: true });
  // A line that is stored only gets its mark when it is deleted.
  new MutationObserver(later).observe(body, { subtree: true, attributeFilter: ['class'] });
  addEventListener('load', check);
})();
