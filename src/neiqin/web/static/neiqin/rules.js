// The grid of a decision table: keys and paste move through it, whole rows move in it, cells are asked about as one
// leaves them. A row is its fields in order, nothing carries a number, so that rows are simply moved about.
'use strict';
(() => {
  const { $, $$, on, post, toast, composing } = nq;
  const form = $('[data-rules]');
  if (!form) return;
  const most = +form.dataset.most, boxes = $$('[data-grid]', form);
  const cells = tr => $$('input', tr), rows = box => [...$('tbody', box).rows], texts = tr => cells(tr).map(x => x.value);
  const boxOf = el => el.closest('[data-grid]'), isRules = box => box.dataset.grid === 'rows';
  const blank = tr => texts(tr).every(v => !v.trim());
  const other = tr => isRules(boxOf(tr)) && cells(tr)[0].value.trim() === '其他';
  const past = [];
  let was = '', dirty = false, leaving = false;

  const state = box => rows(box).map(texts);
  function keep(box, before = state(box)) { past.push([box, before]); if (past.length > 50) past.shift(); dirty = true; }
  function fresh(box) { return $('template', box).content.firstElementChild.cloneNode(true); }
  function fill(tr, values) { cells(tr).forEach((x, i) => { x.value = values[i] ?? ''; mark(x, ''); }); return tr; }
  function current(box) { return $('tr.cur', box) || rows(box).at(-1); }
  function go(x) { if (x) { x.focus(); x.select(); x.scrollIntoView({ block: 'nearest', inline: 'nearest' }); } }
  function number(box) {
    rows(box).forEach((tr, i) => { tr.cells[0].textContent = i + 1; });
    $('[data-n]', box).textContent = `${rows(box).length} 行`;
    issues();
  }
  function room(n) {
    if (boxes.reduce((sum, box) => sum + rows(box).length, 0) + n <= most) return true;
    toast(`最多 ${most.toLocaleString('zh-CN')} 行，没有加`);
    return false;
  }

  // Marks: the sentence is the title of the field, and stands in the rail with its row.
  function mark(x, text) {
    const td = x.closest('td');
    if (text) { td.dataset.lv = 'bad'; x.title = text; x.ariaInvalid = 'true'; } else { delete td.dataset.lv; x.removeAttribute('title'); x.removeAttribute('aria-invalid'); }
  }
  function issues() {
    const bad = boxes.flatMap(box => $$('td[data-lv] input', box)), list = $('[data-issues]');
    list.replaceChildren(...bad.slice(0, 50).map(x => {
      const li = $('[data-issue]').content.firstElementChild.cloneNode(true), tr = x.closest('tr');
      $('b', li).textContent = `${isRules(boxOf(x)) ? '' : '样例'}第 ${tr.sectionRowIndex + 1} 行${x.title}`;
      $('button', li).addEventListener('click', () => go(x));
      return li;
    }));
    $('[data-fine]').hidden = !!bad.length;
  }
  async function ask(box, some) {
    const body = new FormData(), sent = some.map(texts);
    body.append('part', box.dataset.grid);
    sent.flat().forEach(v => body.append('rows', v));
    if (some.at(-1) === rows(box).at(-1)) body.append('last', '1');
    let faults;
    try { faults = (await (await post(form.dataset.rules, body)).json()).faults; } catch { return; }  // saving asks again
    const said = new Map(faults.map(([r, c, text]) => [`${r} ${c}`, text]));
    some.forEach((tr, r) => cells(tr).forEach((x, c) => {
      // An empty cell is not wrong yet while its row is being written, unless it was marked before.
      if (x.value === sent[r][c]) mark(x, x.value.trim() || 'lv' in x.closest('td').dataset ? said.get(`${r} ${c}`) || '' : '');
    }));
    issues();
  }

  // Whole rows
  const acts = {
    add(box, tr) {
      if (!room(1)) return;
      const made = fresh(box);
      if (!tr) $('tbody', box).append(made); else tr[other(tr) ? 'before' : 'after'](made);
      return made;
    },
    copy(box, tr) {
      if (!tr || !room(1)) return;
      const made = fill(fresh(box), texts(tr));
      tr[other(tr) ? 'before' : 'after'](made);
      return made;
    },
    up(box, tr) { tr?.previousElementSibling?.before(tr); return tr; },
    down(box, tr) { tr?.nextElementSibling?.after(tr); return tr; },
    drop(box, tr) {
      if (!tr) return;
      const near = tr.nextElementSibling || tr.previousElementSibling || $('tbody', box).appendChild(fresh(box));
      tr.remove();
      return near;
    },
  };
  function act(box, what) {
    if (what === 'undo') return undo();
    const tr = current(box), before = state(box), place = tr && document.activeElement.closest('tr') === tr ? cells(tr).indexOf(document.activeElement) : 0;
    const to = acts[what](box, tr);
    if (!to) return;
    keep(box, before); number(box); go(cells(to)[Math.max(0, what === 'add' ? 0 : place)]);
  }
  function undo() {
    const step = past.pop();
    if (!step) { toast('没有可撤销的'); return; }
    const [box, before] = step;
    $('tbody', box).replaceChildren(...before.map(values => fill(fresh(box), values)));
    number(box); ask(box, rows(box)); go(cells(rows(box)[0])[0]);
  }
  on('click', '[data-do]', el => act(boxOf(el), el.dataset.do));

  // A block from Excel: on an empty row it is inserted, otherwise it goes over what is there; 其他 stays the last row.
  function parsed(text) {
    const out = [[]];
    let cell = '', quoted = false;
    text = text.replace(/\r\n?/g, '\n').replace(/\n$/, '');
    for (let i = 0; i < text.length; i++) {
      const c = text[i];
      if (quoted) { if (c !== '"') cell += c; else if (text[i + 1] === '"') { cell += '"'; i++; } else quoted = false; }
      else if (c === '"' && !cell) quoted = true;
      else if (c === '\t' || c === '\n') { out.at(-1).push(cell); cell = ''; if (c === '\n') out.push([]); }
      else cell += c;
    }
    out.at(-1).push(cell);
    return out.map(line => line.map(v => v.replace(/\s+/g, ' ').trim()));
  }
  form.addEventListener('paste', e => {
    const box = boxOf(e.target), text = e.clipboardData.getData('text/plain');
    if (!box || !e.target.matches('tbody input') || !/[\t\n]/.test(text.replace(/\r?\n$/, ''))) return;
    e.preventDefault();
    const block = parsed(text), at = cells(e.target.closest('tr')).indexOf(e.target), insert = blank(e.target.closest('tr')), before = state(box), filled = [];
    if (!room(block.length)) return;
    let tr = e.target.closest('tr');
    for (const line of block) {
      if (filled.length) {
        const next = tr.nextElementSibling;
        if (next && !other(next) && (!insert || blank(next))) tr = next; else { const made = fresh(box); tr.after(made); tr = made; }
      }
      line.forEach((v, i) => { const x = cells(tr)[at + i]; if (x) x.value = v; });
      filled.push(tr);
    }
    keep(box, before); number(box); ask(box, filled); was = e.target.value;
    toast(`贴好 ${block.length} 行`);
  });

  // Keys
  form.addEventListener('focusin', e => {
    const tr = e.target.closest('[data-grid] tbody tr');
    if (!tr) return;
    $('tr.cur', boxOf(tr))?.classList.remove('cur'); tr.classList.add('cur'); was = e.target.value;
  });
  form.addEventListener('change', e => {
    const box = boxOf(e.target), tr = e.target.closest('tbody tr');
    dirty = true;
    if (!box || !tr || e.target.value === was) return;  // asked already, when a key took the row along
    const before = state(box);
    before[tr.sectionRowIndex][cells(tr).indexOf(e.target)] = was;
    keep(box, before); ask(box, [tr]);
  });
  // With a list under the field the arrows choose from it while something is being typed.
  const choosing = x => x.list && x.value !== was && [...x.list.options].some(o => o.value.includes(x.value));
  const turned = { Enter: 'add', ArrowUp: 'up', ArrowDown: 'down', Backspace: 'drop', c: 'copy' };
  form.addEventListener('keydown', e => {
    const x = e.target, ctrl = e.ctrlKey || e.metaKey, key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
    if (composing(e)) return;
    if (ctrl && (key === 's' || key === 'Enter')) { e.preventDefault(); form.requestSubmit($('[data-save]', form)); return; }
    if (x.name === 'try' && key === 'Enter') { e.preventDefault(); $('[data-try]').click(); return; }
    const tr = x.matches('input') && x.closest('[data-grid] tbody tr');
    if (!tr) return;
    const box = boxOf(tr), all = rows(box), at = all.indexOf(tr), place = cells(tr).indexOf(x);
    const leave = () => { if (x.value !== was) x.dispatchEvent(new Event('change', { bubbles: true })); was = x.value; };
    if (e.altKey && turned[key]) { e.preventDefault(); leave(); act(box, turned[key]); }
    else if (ctrl && key === 'z' && x.value === was) { e.preventDefault(); undo(); }
    else if (ctrl && key === 'd' && at) { e.preventDefault(); x.value = cells(all[at - 1])[place].value; leave(); }
    else if (ctrl || e.altKey) return;
    else if (key === 'Enter') {
      e.preventDefault();
      const next = cells(tr)[place + 1] || all[at + 1] && cells(all[at + 1])[0];
      if (next) go(next); else if (blank(tr) || other(tr)) go($('[data-grid] ~ [data-grid] tbody input', form)); else { leave(); act(box, 'add'); }
    } else if (key === 'ArrowDown' || key === 'ArrowUp') {
      if (choosing(x)) return;
      e.preventDefault(); const to = all[at + (key === 'ArrowDown' ? 1 : -1)]; if (to) go(cells(to)[place]);
    }
  });

  form.addEventListener('submit', e => { if (!e.submitter?.matches('[data-try]')) leaving = true; });
  addEventListener('beforeunload', e => { if (dirty && !leaving) e.preventDefault(); });
  dirty = !!$('[role=alert]', form);
  boxes.forEach(number);
  go($('td[data-lv] input', form) || $('tbody input', form));
})();
