// Behaviour of every page: menus, dialogs, keys, toasts, tabs. Attached by data- attributes and delegated,
// so that what htmx swaps in works at once. No inline handlers, no eval, styles only through CSSOM.
'use strict';
window.nq = (() => {
  const $ = (s, r = document) => r.querySelector(s), $$ = (s, r = document) => [...r.querySelectorAll(s)];
  const root = document.documentElement;
  const csrf = () => $('meta[name=csrf-token]')?.content || '';
  const composing = e => e.isComposing || e.keyCode === 229;  // 229: the key belongs to an input method
  const typing = el => !!el.closest?.('input:not([type=checkbox],[type=radio]),textarea,select,[contenteditable]');
  const on = (type, selector, run) => document.addEventListener(type, e => {
    const el = e.target.closest?.(selector);
    if (el) run(el, e);
  });
  const post = (url, body) => fetch(url, { method: 'POST', body, headers: { 'X-CSRFToken': csrf(), 'X-Requested-With': 'fetch' } });

  function toast(text) {
    const box = document.createElement('div');
    box.className = 'toast'; box.dataset.toast = ''; box.textContent = text;
    $('#toasts')?.replaceChildren(box); fade(box);
  }
  function fade(box) {  // six seconds, and it stays while the pointer rests on it
    const later = () => setTimeout(() => (box.matches(':hover') ? later() : box.remove()), 6000);
    later();
  }

  // Popover menus go under the button that was pressed: CSS anchors need newer browsers than our floor.
  let opener = null;
  on('click', '[popovertarget]', el => { opener = el; });
  document.addEventListener('toggle', e => {
    const menu = e.target;
    if (e.newState !== 'open' || !menu.matches?.('.menu[popover]')) return;
    const by = opener?.getAttribute('popovertarget') === menu.id ? opener : $(`[popovertarget="${menu.id}"]`);
    const box = (by?.offsetParent ? by : opener || root).getBoundingClientRect(), w = menu.offsetWidth, h = menu.offsetHeight;
    const below = box.bottom + 6;
    menu.style.left = Math.max(8, Math.min(box.left, innerWidth - w - 12)) + 'px';
    menu.style.top = (below + h > innerHeight - 8 ? Math.max(8, box.top - h - 6) : below) + 'px';
    $('[autofocus],input:not([type=hidden]),summary', menu)?.focus();
  }, true);
  on('keydown', '.menu[popover]', (menu, e) => {
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp' || typing(e.target)) return;
    e.preventDefault();
    const items = $$('.mi,summary', menu).filter(x => x.offsetParent), i = items.indexOf(document.activeElement.closest('.mi,summary'));
    const next = items[(i + (e.key === 'ArrowDown' ? 1 : -1) + items.length) % items.length];
    (next?.matches('label') ? $('input', next) : next)?.focus();
  });

  // Dialogs. What htmx loads into #dialog is shown; after results have been read the page is reloaded.
  const open = id => { const d = document.getElementById(id); if (d && !d.open) { $$('.menu:popover-open').forEach(m => m.hidePopover()); d.showModal(); } return d; };
  on('click', '[data-open]', el => open(el.dataset.open));
  on('click', '[data-close]', (el, e) => {
    const d = el.closest('dialog');
    if (d) d.close(); else { e.preventDefault(); history.back(); }
  });
  on('click', 'dialog', (d, e) => { if (e.target === d) d.close(); });
  document.addEventListener('close', e => { if (e.target.id === 'dialog' && $('[data-reload]', e.target)) location.reload(); }, true);
  document.addEventListener('htmx:after:swap', e => {
    const target = e.detail?.ctx?.target || e.target;
    if (target?.id !== 'dialog' && target?.closest?.('#dialog') !== $('#dialog')) return;
    if (!target.innerHTML.trim()) return;
    const d = open('dialog');
    if (target === d) $('.errs,input:not([type=hidden]),select,textarea,[data-close]', d)?.focus();
  });
  document.addEventListener('htmx:config:request', e => { e.detail.ctx.request.headers['X-CSRFToken'] = csrf(); });
  document.addEventListener('htmx:error', () => toast('网络不通，没有办成。恢复后再试一次。'));

  // Keys. Single letters press the visible control that carries them, unless someone is typing or has switched them off.
  document.addEventListener('keydown', e => {
    if (composing(e)) return;
    if ((e.ctrlKey || e.metaKey) && e.key === 'Enter' && e.target.matches?.('[data-ctrl-enter]')) { e.target.form.requestSubmit(); return; }
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || $('dialog[open]') || 'noLetters' in document.body.dataset) return;
    if (e.key === '?') { e.preventDefault(); open('keys'); return; }
    if (e.key === 'q' || e.key === 'Q') { const line = $('[data-quick] input[name=t]'); if (line) { e.preventDefault(); line.select(); } return; }
    if (e.key === '/') { const find = $('[data-find] input'); if (find) { e.preventDefault(); find.select(); } return; }
    if (e.shiftKey) return;
    const all = $$(`[data-key="${CSS.escape(e.key.toUpperCase())}"]`);
    const hit = all.find(x => x.offsetParent) || all.find(x => x.closest('.menu'));
    if (hit) { e.preventDefault(); hit.click(); }
  });

  // Tabs inside a page
  function show(tab) {
    $$('[role=tab]', tab.closest('[role=tablist]')).forEach(x => {
      const here = x === tab;
      x.setAttribute('aria-selected', here); x.tabIndex = here ? 0 : -1;
      document.getElementById(x.getAttribute('aria-controls'))?.classList.toggle('on', here);
    });
  }
  on('click', '[role=tab]', show);
  on('keydown', '[role=tab]', (tab, e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key], tabs = $$('[role=tab]', tab.parentNode);
    if (step) { const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]; show(next); next.focus(); }
  });

  // Small things
  on('click', '[data-theme-toggle]', () => {
    const theme = root.dataset.theme === 'dark' ? 'light' : 'dark';
    root.dataset.theme = theme;
    try { localStorage.setItem('neiqin-theme', theme); } catch { /* storage may be off */ }
  });
  on('submit', '[data-settings]', () => { try { localStorage.removeItem('neiqin-theme'); } catch { /* storage may be off */ } });
  on('click', '[data-print]', () => { $$('.menu:popover-open').forEach(m => m.hidePopover()); print(); });
  on('click', '[data-dismiss]', el => el.closest('[data-toast]').remove());
  on('click', '[data-copy]', async el => {
    try { await navigator.clipboard.writeText(el.dataset.copy); toast('已复制'); } catch { toast('浏览器不让复制，选中后按 Ctrl C'); }
  });
  on('click', '[data-expand]', el => {
    const here = el.getAttribute('aria-expanded') !== 'true';
    el.setAttribute('aria-expanded', here); document.getElementById(el.getAttribute('aria-controls')).hidden = !here;
  });
  on('click', '[data-feed-filter] button', el => {
    $$('button', el.parentNode).forEach(b => b.setAttribute('aria-pressed', b === el));
    $$('#timeline > li[data-kind]').forEach(li => { li.hidden = !!el.value && li.dataset.kind !== el.value; });
  });
  on('click', '[data-show-password]', el => {
    const input = $('input', el.parentNode), hidden = input.type === 'password';
    input.type = hidden ? 'text' : 'password'; el.setAttribute('aria-label', hidden ? '隐藏密码' : '显示密码');
  });
  on('keyup', 'input[type=password]', (el, e) => {
    const note = $('[data-caps]', el.closest('.field')); if (note && e.getModifierState) note.hidden = !e.getModifierState('CapsLock');
  });
  // Counts are renewed while somebody looks; the header keeps this from counting as presence (idle sessions end).
  const renewed = $('[data-renew]')?.dataset.renew;
  const renew = async () => {
    if (document.hidden) return;
    const answer = await fetch(renewed, { headers: { 'X-By-Itself': '1' }, redirect: 'manual' }).catch(() => null);
    if (!answer?.ok) return;
    const text = await answer.text();
    $$('[data-renew]').forEach(el => { el.textContent = text; el.hidden = !text; });
  };
  if (renewed) { setInterval(renew, 60000); document.addEventListener('visibilitychange', renew); }
  $$('[data-toast]').forEach(fade);
  $('.steps [aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' });
  return { $, $$, on, open, post, toast, typing, composing, csrf };
})();
