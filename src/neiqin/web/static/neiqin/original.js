// The original beside the grid: chosen, dropped or pasted; drawn by the server page by page; zoomed and moved by mouse
// and keyboard, also while the cursor stays in a cell.
'use strict';
(() => {
  const { $, $$, on, post, toast } = nq;
  const box = $('[data-orig]');
  if (!box) return;
  const section = box.closest('.lines-sec'), opener = $('[data-orig-open]', section), which = $('[data-orig-which]', box);
  const stage = $('[data-orig-stage]', box), img = $('[data-orig-img]', box), none = $('[data-orig-none]', box), words = none.textContent;
  let page = 0, pages = 0, zoom = 1, busy = false;

  function open(here) {
    box.hidden = !here; section.classList.toggle('beside', here); opener.setAttribute('aria-expanded', here);
    if (here && which.value && img.hidden) show();
  }
  on('click', '[data-orig-open]', () => { open(box.hidden); if (!box.hidden) { section.scrollIntoView({ block: 'start' }); stage.focus({ preventScroll: true }); } });

  const option = () => which.selectedOptions[0];
  function say(text) { none.textContent = text; none.hidden = !text; }
  async function show() {
    const at = which.value;
    which.hidden = !which.options.length;
    $('[data-orig-drop]', box).hidden = !(option() && 'new' in option().dataset);
    page = 0; pages = 0; img.hidden = true; img.removeAttribute('src'); $('[data-orig-tools]', box).hidden = true;
    if (!at) { say(words); return; }
    say('正在打开……');
    let told;
    try { told = await (await fetch(`${box.dataset.orig}${at}/`)).json(); } catch { told = { problem: '没连上，打不开。再选一次。' }; }
    if (at !== which.value) return;
    if (told.problem) { say(told.problem); return; }
    pages = told.pages; draw();
  }
  function draw() {
    img.alt = `${option().textContent}，第 ${page + 1} 页`;
    img.src = `${box.dataset.orig}${which.value}/${page}/`;
    $('[data-orig-at]', box).textContent = pages > 1 ? `${page + 1} / ${pages}` : '';
    $$('[data-orig-page]', box).forEach(b => { b.hidden = pages < 2; });
  }
  img.addEventListener('load', () => { say(''); img.hidden = false; $('[data-orig-tools]', box).hidden = false; size(1); stage.scrollTo(0, 0); });
  img.addEventListener('error', () => say('这一页画不出来。'));
  which.addEventListener('change', e => { e.stopPropagation(); show(); });

  // What is in the middle (or under the pointer) stays there.
  function size(to, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
    const old = zoom; zoom = Math.min(8, Math.max(.25, to));
    const left = (stage.scrollLeft + x) * zoom / old - x, top = (stage.scrollTop + y) * zoom / old - y;
    img.style.width = `${zoom * 100}%`; stage.scrollTo(left, top);
  }
  const step = by => size(by ? zoom * (by > 0 ? 1.25 : .8) : 1);
  const turn = by => { if (page + by >= 0 && page + by < pages) { page += by; draw(); } };
  on('click', '[data-orig-zoom]', b => step(+b.dataset.origZoom));
  on('click', '[data-orig-page]', b => turn(+b.dataset.origPage));
  stage.addEventListener('wheel', e => {
    if (!e.ctrlKey || img.hidden) return;
    e.preventDefault();
    const at = stage.getBoundingClientRect();
    size(zoom * (e.deltaY < 0 ? 1.25 : .8), e.clientX - at.left, e.clientY - at.top);
  }, { passive: false });
  stage.addEventListener('pointerdown', e => { if (e.pointerType === 'mouse' && e.button === 0 && !img.hidden) { stage.setPointerCapture(e.pointerId); stage.classList.add('held'); } });
  stage.addEventListener('pointermove', e => { if (stage.classList.contains('held')) stage.scrollBy(-e.movementX, -e.movementY); });
  ['pointerup', 'pointercancel'].forEach(kind => stage.addEventListener(kind, () => stage.classList.remove('held')));
  const ZOOMS = { '+': 1, '=': 1, '-': -1, '−': -1, 0: 0 };
  document.addEventListener('keydown', e => {
    if (box.hidden || img.hidden || e.ctrlKey || e.metaKey) return;
    const own = e.target === stage;
    if (!own && !e.altKey) return;
    if (e.key in ZOOMS) { e.preventDefault(); step(ZOOMS[e.key]); }
    else if (e.altKey && /^Page(Up|Down)$/.test(e.key)) { e.preventDefault(); stage.scrollBy(0, (e.key === 'PageUp' ? -.8 : .8) * stage.clientHeight); }
    else if (own && e.key === '[') turn(-1);
    else if (own && e.key === ']') turn(1);
  });

  // Stored at once, attached when the form is saved: the hidden field goes into drafts and refused forms too.
  async function take(files) {
    if (!files.length || busy) return;
    busy = true; open(true);
    for (const file of files) {
      const data = new FormData(); data.append('file', file);
      say(`正在上传「${file.name}」……`);
      let told;
      try { told = await (await post(box.dataset.orig, data)).json(); } catch { told = { problem: `「${file.name}」没传上，再试一次。` }; }
      if (told.problem) { toast(told.problem); continue; }
      const made = document.createElement('input');
      made.type = 'hidden'; made.name = 'original'; made.value = told.id; box.append(made);
      const choice = new Option(told.name, told.id, true, true); choice.dataset.new = ''; which.append(choice);
    }
    busy = false; show();
  }
  on('change', '[data-orig-add]', input => { const files = [...input.files]; input.value = ''; take(files); });
  on('click', '[data-orig-drop]', () => {
    $(`input[name=original][value="${CSS.escape(which.value)}"]`, box)?.remove(); option().remove();
    show(); stage.focus();
  });
  for (const kind of ['dragover', 'dragleave', 'drop']) document.addEventListener(kind, e => {
    if (!e.dataTransfer?.types.includes('Files')) return;
    e.preventDefault();  // a file let go beside it must not replace the page
    stage.classList.toggle('over', kind === 'dragover');
    if (kind === 'dragover') open(true);
    if (kind === 'drop') take([...e.dataTransfer.files]);
  });
  document.addEventListener('paste', e => {
    const files = [...(e.clipboardData?.files || [])];
    if (!files.length || e.clipboardData.getData('text/plain')) return;  // Excel brings a picture of the cells along
    e.preventDefault();
    take(files.map((f, i) => (f.name === 'image.png' ? new File([f], `截图 ${new Date().toTimeString().slice(0, 8).replaceAll(':', '')}${i || ''}.png`, { type: f.type }) : f)));
  });
  if ($('input[name=original]', box)) open(true);
})();
