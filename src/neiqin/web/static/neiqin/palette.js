// The palette: one field for records, pages and new records. Entries of the menu are there at once, the server's answer
// takes their place. One request at a time; a late answer is dropped; Enter before the answer waits for it. What cannot
// be answered is said, and the menu's entries stay.
'use strict';
(() => {
  const { $, $$, on, open, composing } = nq;
  let wait = 0, asking = null, wanted = false;
  function palette() { const d = open('palette'); if (d) { const input = $('input', d); input.select(); find(input.value); } }
  function option(label, url, icon) {
    const el = document.createElement('a');
    el.className = 'it'; el.role = 'option'; el.href = url; el.tabIndex = -1;
    if (icon) el.append(icon.cloneNode(true));
    const name = document.createElement('span'); name.className = 'nm'; name.textContent = label; el.append(name);
    return el;
  }
  function find(text, pause = 0) {
    const words = text.trim(), low = words.toLowerCase(), d = $('#palette');
    const links = $$('.side .nav a,.acts a.btn,#quick a').filter(a => a.textContent.toLowerCase().includes(low));
    $('.ls', d).replaceChildren(...links.map(a => option([...a.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('').trim(), a.href, $('.icon', a))));
    note(''); mark(0);
    clearTimeout(wait); asking?.abort(); asking = null; wanted = false;
    if (d.dataset.search) { const mine = asking = new AbortController(); wait = setTimeout(() => ask(d, words, mine), pause); }
  }
  async function ask(d, words, mine) {
    let html = '', problem = '';
    try {
      const answer = await fetch(`${d.dataset.search}?q=${encodeURIComponent(words)}`, { headers: { 'HX-Request': 'true' }, signal: mine.signal });
      html = await answer.text();
      if (answer.redirected || answer.status === 401) problem = '登录过期了，刷新页面再登录。';
      else if (answer.status === 422) problem = html;
      else if (!answer.ok) problem = '搜索出错，没有结果。过一会儿再搜，菜单里的页面仍可以去。';
    } catch { problem = '网络不通，没有搜成。恢复后再搜，菜单里的页面仍可以去。'; }
    if (mine !== asking) return;
    asking = null;
    if (!problem) { $('.ls', d).innerHTML = html; const told = $('[data-note]', d); problem = told?.textContent || ''; told?.remove(); }
    note(problem); mark(0);
    if (wanted) { wanted = false; $('#palette [role=option]')?.click(); }
  }
  function note(text) { const p = $('#pal-note'); p.textContent = text; p.hidden = !text; }
  function mark(i) {
    const all = $$('#palette [role=option]'), input = $('#palette input');
    all.forEach((x, n) => { x.id = `pal-${n}-option`; x.setAttribute('aria-selected', n === i); });
    all[i]?.scrollIntoView({ block: 'nearest' });
    $('#pal-list').hidden = !all.length; input.setAttribute('aria-expanded', !!all.length);
    if (all[i]) input.setAttribute('aria-activedescendant', all[i].id); else input.removeAttribute('aria-activedescendant');
  }
  on('input', '#palette input', (el, e) => { if (!composing(e)) find(el.value, 120); });
  on('compositionend', '#palette input', el => find(el.value));
  on('keydown', '#palette', (d, e) => {
    if (composing(e)) return;
    const all = $$('[role=option]', d), i = all.findIndex(x => x.getAttribute('aria-selected') === 'true');
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { e.preventDefault(); wanted = false; if (all.length) mark((i + (e.key === 'ArrowDown' ? 1 : -1) + all.length) % all.length); }
    if (e.key === 'Enter') { e.preventDefault(); if (asking && $('input', d).value.trim()) wanted = true; else all[i]?.click(); }
  });
  on('click', '[data-open=palette]', palette);
  document.addEventListener('keydown', e => {
    if (!composing(e) && (e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') { e.preventDefault(); palette(); }
  });
})();
