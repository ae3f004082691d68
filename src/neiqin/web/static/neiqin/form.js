// Forms: only what was changed is posted with the base version, drafts are kept, child rows come and go.
'use strict';
(() => {
  const { $, $$, on, toast, composing } = nq;
  const form = $('[data-form]');
  if (!form) return;
  const fields = () => $$('input[name],select[name],textarea[name]', form).filter(x => x.type !== 'submit');
  const value = x => (x.type === 'checkbox' || x.type === 'radio' ? x.checked : x.value);
  const base = new Map(fields().map(x => [x, value(x)]));
  const errors = $('.errs,.conflict', form), brought = $('[data-draft-status]', form)?.textContent.trim();
  let leaving = false, saved = '', version = 0;

  const keep = x => 'always' in x.dataset || x.name === 'csrfmiddlewaretoken';
  const changed = x => !base.has(x) || base.get(x) !== value(x);
  const dirty = () => fields().some(x => !keep(x) && changed(x));
  const snapshot = () => new URLSearchParams([...new FormData(form)].filter(([k]) => k !== 'csrfmiddlewaretoken')).toString();
  saved = snapshot();

  function prune() {
    // A refused form or a draft is not the base any more: then everything is posted. A changed box of a pair (hidden
    // and visible, or a picker's id and text) takes the other one along, and a line goes whole.
    if (!('partial' in form.dataset) || errors || brought) return;
    const names = new Set(fields().filter(changed).map(x => x.name.replace(/__text$/, '')));
    const lines = new Set([...names].map(n => n.match(/^\w+-\w+-/)?.[0]).filter(Boolean));
    fields().forEach(x => {
      const name = x.name.replace(/__text$/, '');
      x.disabled = !(keep(x) && !/^\w+-\w+-id$/.test(name) || names.has(name) || lines.has(name.match(/^\w+-\w+-/)?.[0]));
    });
    const mark = document.createElement('input');
    mark.type = 'hidden'; mark.name = 'partial'; mark.value = '1'; form.append(mark);
  }
  form.addEventListener('submit', e => {
    if (e.submitter?.matches('[data-discard]')) { leaving = true; return; }
    leaving = true; prune();
    $$('[data-submit]').forEach(b => { b.setAttribute('aria-disabled', 'true'); });
    setTimeout(() => { fields().forEach(x => { x.disabled = false; }); $('[name=partial]', form)?.remove(); $$('[data-submit]').forEach(b => b.removeAttribute('aria-disabled')); }, 3000);
  });
  // Enter in a field never submits by accident: the last key of a pinyin word must not, and neither must a scanner.
  form.addEventListener('keydown', e => {
    if (composing(e)) return;
    const ctrl = e.ctrlKey || e.metaKey;
    if (ctrl && e.key === 'Enter') { e.preventDefault(); form.requestSubmit($('[data-submit]', form)); }
    else if (e.key === 'Enter' && e.target.matches('input') && e.target.getAttribute('aria-expanded') !== 'true' && !e.target.ariaBusy) { e.preventDefault(); next(e.target); }
  });
  document.addEventListener('keydown', e => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 's' && form.dataset.draftUrl) { e.preventDefault(); draft(true); }
  });
  function next(el) {
    const all = $$('input:not([type=hidden]),select,textarea,[data-line-add]', form).filter(x => x.offsetParent && !x.disabled);
    const to = all[all.indexOf(el) + 1];
    to?.focus(); to?.select?.();
  }

  // Is it there already? Asked when a name, a code or a phone has been typed, never in the middle of a pinyin word; the
  // answer stands under the field.
  const nearby = $('[data-nearby]', form);
  let look = 0;
  const asks = x => nearby && (nearby.dataset.nearby.split(' ').includes(x.name) || /-mobile$/.test(x.name || ''));
  const ask = e => {
    if (!asks(e.target) || composing(e)) return;
    clearTimeout(look);
    look = setTimeout(() => {
      const place = e.target.closest('.field,.gw-in');
      if (place && place.nextElementSibling !== nearby) place.after(nearby);
      nearby.dispatchEvent(new Event('nearby'));
    }, 500);
  };
  form.addEventListener('input', ask);
  form.addEventListener('compositionend', ask);

  async function draft(asked) {
    const now = snapshot();
    if (!form.dataset.draftUrl || now === saved && !asked || leaving) return;
    const mine = ++version, status = $('[data-draft-status]', form);
    try {
      const answer = await nq.post(form.dataset.draftUrl, new FormData(form));
      if (!answer.ok) throw new Error(answer.status);
      if (mine === version) saved = now;
      const t = new Date();
      status.textContent = `草稿 ${String(t.getHours()).padStart(2, '0')}:${String(t.getMinutes()).padStart(2, '0')} ${asked ? '已存' : '已自动保存'}`;
      if (asked) toast('草稿已存');
    } catch { status.textContent = '草稿没存上，20 秒后再试'; if (asked) toast('草稿没存上，内容还在页面里'); }
  }
  setInterval(() => draft(false), 20000);
  on('click', '[data-save-draft]', () => draft(true));
  addEventListener('beforeunload', e => { if (!leaving && dirty() && snapshot() !== saved) e.preventDefault(); });
  on('click', '[data-cancel]', () => { leaving = snapshot() === saved; });

  // Child rows
  const rows = box => $$('[data-line]', box);
  function number(box) {
    let n = 0;
    rows(box).forEach(tr => { if (!tr.classList.contains('gone')) tr.cells[0].textContent = ++n; });
    const count = $('[data-lines-n]', box); if (count) count.textContent = n ? `${n} 行` : '';
    $('[data-lines-table]', box).hidden = !rows(box).length;
  }
  function add(box) {
    const key = Math.max(-1, ...rows(box).map(tr => +($('[data-delete]', tr).name.match(/-(\d+)-delete$/)?.[1] ?? -1))) + 1;
    const piece = $('template', box).content.cloneNode(true);
    $$('*', piece).forEach(el => [...el.attributes].forEach(a => { if (a.value.includes('__n__')) el.setAttribute(a.name, a.value.replaceAll('__n__', key)); }));
    $('tbody', box).append(piece); number(box);
    $('input:not([type=hidden]),select,textarea', rows(box).at(-1))?.focus();
  }
  function remove(tr) {
    const box = tr.closest('[data-lines]'), old = $('input[name$="-id"]', tr).value, all = rows(box).filter(r => !r.classList.contains('gone'));
    const near = all[all.indexOf(tr) + 1] || all[all.indexOf(tr) - 1];
    if (old) { const gone = tr.classList.toggle('gone'); $('[data-delete]', tr).value = gone ? 'on' : ''; } else tr.remove();
    number(box); ($('input:not([type=hidden]),select', near || box) || $('[data-line-add]', box)).focus();
  }
  // A whole address, pasted as it came: its parts go into the first empty row, or into a new one.
  async function split(input, text) {
    const box = input.closest('[data-lines]'), body = new FormData();
    body.append('text', text);
    let parts;
    try { parts = await (await nq.post('/addresses/split/', body)).json(); } catch { toast('没连上，地址没拆开，再粘贴一次'); return; }
    if (parts.problem || !parts.street && !parts.region) { toast(parts.problem || '没认出地址，检查一下粘贴的内容'); return; }
    const cell = (tr, name) => $(`[name$="-${name}"]`, tr), pairs = input.dataset.paste.split(' ').map(p => p.split(':'));
    let row = rows(box).find(tr => !tr.classList.contains('gone') && pairs.every(([, name]) => !cell(tr, name).value));
    if (!row) { add(box); row = rows(box).at(-1); }
    pairs.forEach(([part, name]) => { const x = cell(row, name); x.value = parts[part] || ''; x.dispatchEvent(new Event('input', { bubbles: true })); });
    input.value = ''; cell(row, pairs.find(([part]) => !parts[part])?.[1] || pairs.at(-1)[1]).focus();
  }
  form.addEventListener('paste', e => {
    if (!e.target.matches('[data-paste]')) return;
    e.preventDefault(); split(e.target, e.clipboardData.getData('text'));
  });
  on('change', '[data-paste]', input => { if (input.value.trim()) split(input, input.value); });
  on('click', '[data-line-add]', el => add(el.closest('[data-lines]')));
  on('click', '[data-line-del]', el => remove(el.closest('[data-line]')));
  on('keydown', '[data-line]', (tr, e) => {
    if (composing(e) || e.target.getAttribute('aria-expanded') === 'true' || e.target.closest('[popover]')) return;
    const box = tr.closest('[data-lines]'), all = rows(box), i = all.indexOf(tr), cell = e.target.closest('td')?.cellIndex;
    const go = row => { const x = row?.cells[cell] && $('input:not([type=hidden]),select', row.cells[cell]); if (x) { e.preventDefault(); x.focus(); x.select?.(); } };
    if (e.altKey && e.key === 'Backspace') { e.preventDefault(); remove(tr); }
    else if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'd' && i > 0) {
      const from = $('input:not([type=hidden]),select', all[i - 1].cells[cell]);
      e.preventDefault(); if (from) { e.target.value = from.value; e.target.dispatchEvent(new Event('input', { bubbles: true })); }
    } else if (e.target.matches('select,[type=date],[role=combobox]')) return;
    else if (e.key === 'ArrowDown') go(all[i + 1]);
    else if (e.key === 'ArrowUp') go(all[i - 1]);
  });
  // A field named in an address or an error may be folded away.
  const reveal = id => { const x = document.getElementById(id); x?.closest('[popover]')?.showPopover(); x?.focus(); x?.scrollIntoView({ block: 'center' }); };
  on('click', 'a[href^="#f-"]', (a, e) => { e.preventDefault(); reveal(a.hash.slice(1)); });
  $$('[data-lines]', form).forEach(number);
  if (errors) $('.errs', form)?.focus(); else if (location.hash.startsWith('#f-')) reveal(location.hash.slice(1)); else $('input:not([type=hidden]),select,textarea', form)?.focus();
})();
