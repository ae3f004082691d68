// Files of a record: dropped, chosen, photographed or pasted; one request a file, so that each has its own progress and
// its own answer. Previews turn with the arrow keys.
'use strict';
(() => {
  const { $, $$, on, toast, typing, csrf } = nq;
  const box = () => $('#files');

  async function refresh() {
    const answer = await fetch(box().dataset.url, { headers: { 'HX-Request': 'true' } });
    if (!answer.ok) return;
    const fresh = $('#files', new DOMParser().parseFromString(await answer.text(), 'text/html'));
    $('[data-list]', box()).replaceWith($('[data-list]', fresh));  // the list only: somebody may be choosing the next file
    htmx.process($('[data-list]', box()));
    box().dataset.count = fresh.dataset.count;
    count();
  }
  function count() { const n = $('#tab-files .n'); if (n) n.textContent = box().dataset.count; }

  function send(file, of) {
    return new Promise(done => {
      const row = document.createElement('li'), name = document.createElement('span'), bar = document.createElement('progress');
      name.textContent = file.name; bar.max = 1; bar.value = 0; bar.setAttribute('aria-label', `上传 ${file.name}`);
      row.append(name, bar); $('[data-going]', box())?.append(row);
      const fail = text => { name.textContent = text; name.className = 'bad'; bar.remove(); done(false); };
      if (file.size > box().dataset.most * 1024 * 1024) { fail(`「${file.name}」超过 ${box().dataset.most} MB，分成几个再传。`); return; }
      const body = new FormData();
      body.append('file', file, file.name);
      if (of) body.append('of', of);
      body.append('category', $('[data-category]', box())?.value || '');
      const call = new XMLHttpRequest();
      call.open('POST', box().dataset.url);
      call.setRequestHeader('X-CSRFToken', csrf()); call.setRequestHeader('X-Requested-With', 'fetch');
      call.upload.onprogress = e => { if (e.lengthComputable) bar.value = e.loaded / e.total; };
      call.onerror = () => fail(`「${file.name}」没有传完：网络不通。恢复后再传一次。`);
      call.onload = () => {
        let said = null;
        try { said = JSON.parse(call.responseText).files[0]; } catch { /* an error page */ }
        if (said?.ok) { row.remove(); done(true); } else fail(said?.message || `「${file.name}」没有传上去。刷新这一页再传。`);
      };
      call.send(body);
    });
  }
  async function take(files, of) {
    if (!box() || !$('[data-going]', box()) || !files.length) return;
    const tab = $('#tab-files');
    if (tab?.getAttribute('aria-selected') === 'false') tab.click();
    toast(`正在上传 ${files.length} 个文件`);
    let sent = 0;
    for (const file of files) if (await send(file, of)) sent += 1;
    await refresh();
    toast(sent === files.length ? `已上传 ${sent} 个文件` : `传上 ${sent} 个，${files.length - sent} 个没有传上，原因在「附件」里`);
  }
  on('change', '#files input[data-add]', el => { const files = [...el.files]; el.value = ''; take(files, ''); });
  on('change', '#files input[data-of]', el => { const files = [...el.files]; el.value = ''; take(files, el.dataset.of); });

  for (const kind of ['dragover', 'dragleave', 'drop']) document.addEventListener(kind, e => {
    if (!e.dataTransfer?.types.includes('Files')) return;
    e.preventDefault();  // a file let go beside the zone must not replace the page
    const drop = $('.drop', box() || document);
    drop?.classList.toggle('over', kind === 'dragover' && !!e.target.closest?.('#files'));
    if (kind === 'drop' && e.target.closest?.('#files')) take([...e.dataTransfer.files], '');
  });
  document.addEventListener('paste', e => {
    const files = [...(e.clipboardData?.files || [])];
    if (!files.length || typing(e.target) || $('dialog[open]')) return;
    e.preventDefault();
    const at = new Date(), two = n => String(n).padStart(2, '0');
    const stamp = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
    take(files.map((f, i) => (f.name === 'image.png' ? new File([f], `截图 ${stamp}${i ? ` ${i + 1}` : ''}.png`, { type: f.type }) : f)), '');
  });

  function turn(step) {
    const show = $('#dialog [data-preview]');
    if (!show) return;
    const at = +(show.dataset.at || 0) + step, pages = +show.dataset.pages;
    if (at < 0 || at >= pages) { $(`#dialog [data-pv="${step}"][hx-get]`)?.dispatchEvent(new Event('other')); return; }
    show.dataset.at = at;
    const picture = $('img', show);
    picture.src = `${show.dataset.preview}${at}/`; picture.alt = picture.alt.replace(/\d+ 页$/, `${at + 1} 页`);
    $('#dialog [data-pv-at]').textContent = `${at + 1} / ${pages}`;
  }
  on('click', '[data-pv]', el => turn(+el.dataset.pv));
  document.addEventListener('keydown', e => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (step && $('#dialog[open] [data-preview]')) { e.preventDefault(); turn(step); }
  });
  document.addEventListener('htmx:after:swap', () => { if (box()) count(); });
})();
