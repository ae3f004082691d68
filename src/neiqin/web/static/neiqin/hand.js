// 复制到微信: what is copied or saved is the answer to a request that tells the record of it, so nothing leaves untold.
// Browsers let pages write to the clipboard only over https or on this very machine; elsewhere there are the old ways.
'use strict';
(() => {
  const { $, on, post, toast } = nq;
  const LOST = '没连上，没有复制。恢复后再点一次。', AGAIN = '没有复制。刷新这一页再试。';
  const told = new WeakMap();  // the part of a document -> what of it has been told already: text, picture
  const doc = form => $('#hand-doc', form);
  const isTold = (form, what) => !!told.get(doc(form))?.has(what);

  function say(form, text, bad) {
    const box = $(bad ? '[data-hand-problem]' : '[data-hand-said]', form), other = $(bad ? '[data-hand-said]' : '[data-hand-problem]', form);
    box.textContent = text; box.hidden = false; other.hidden = true;
  }
  // Tells it; gives the words, or the picture. What stands in the way is a sentence.
  async function ask(form, way) {
    const body = new FormData(form), part = doc(form);
    body.set('way', way);
    let answer;
    try { answer = await post(form.action, body); } catch { throw new Error(LOST); }
    if (answer.status === 422) throw new Error(await answer.text());
    if (!answer.ok || answer.redirected) throw new Error(AGAIN);
    const what = way === 'text' ? 'text' : 'picture';
    told.set(part, new Set([...(told.get(part) || []), what]));
    form.dataset.reload = '';  // the page behind shows it once the dialog is closed
    return what === 'text' ? new Blob([await answer.text()], { type: 'text/plain' }) : new Blob([await answer.arrayBuffer()], { type: 'image/png' });
  }
  // The clipboard is given the promise, since Safari wants the call within the click.
  async function write(asked, type) {
    try { await navigator.clipboard.write([new ClipboardItem({ [type]: asked })]); return true; } catch { return false; }
  }
  const whom = form => { const to = form.elements.to.value.trim(); return to ? `（给 ${to}）` : ''; };

  async function copyText(form) {
    const asked = ask(form, 'text'), copied = await write(asked, 'text/plain'), area = $('[data-hand-text]', form);
    area.value = await (await asked).text();
    if (copied) return say(form, `文字已复制，已记在动态里${whom(form)}。到微信里粘贴。`);
    area.focus(); area.select();
    let old = false;
    try { old = document.execCommand('copy'); } catch { /* gone from this browser */ }
    say(form, old ? `文字已复制，已记在动态里${whom(form)}。到微信里粘贴。` : '已记在动态里。浏览器不让网页复制，文字已经选中：按 Ctrl C，手机上长按选「拷贝」。');
  }
  async function copyPicture(form) {
    const asked = ask(form, 'picture'), copied = await write(asked, 'image/png');
    await show(form, await asked);
    if (copied) return say(form, `图片已复制，已记在动态里${whom(form)}。到微信里粘贴。`);
    const why = window.isSecureContext ? '这个浏览器不让网页复制图片' : '网址不是 https 开头，浏览器不让网页复制图片';
    say(form, `已记在动态里。${why}：在上面的长图片上长按（电脑上点右键），选「复制图片」或「保存图片」。`);
  }
  async function save(form) {
    const blob = await ask(form, 'file'), url = URL.createObjectURL(blob), link = document.createElement('a');
    link.href = url; link.download = $('[data-hand-picture]', form).dataset.handPicture; document.body.append(link); link.click(); link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    await show(form, blob);
    say(form, `图片已保存，已记在动态里${whom(form)}。手机上没看到文件，就长按长图片保存。`);
  }
  // The whole picture in place of the small one; as data, which the policy allows for pictures.
  async function show(form, blob) {
    const img = $('[data-hand-picture]', form);
    img.src = await new Promise(done => { const reader = new FileReader(); reader.onload = () => done(reader.result); reader.readAsDataURL(blob); });
    img.closest('.hand-pic').classList.add('full');
  }

  const WAYS = { text: copyText, picture: copyPicture, file: save };
  async function take(form, way) {
    if ('busy' in form.dataset) return;
    form.dataset.busy = '';
    try { await WAYS[way](form); } catch (error) { say(form, error.message, true); }
    delete form.dataset.busy;
  }
  on('submit', '[data-hand]', (form, e) => { e.preventDefault(); take(form, e.submitter?.value || 'text'); });

  // By hand only what has been told: Ctrl C in the text is the button, the small picture is not taken along.
  for (const kind of ['copy', 'cut']) on(kind, '[data-hand-text]', (area, e) => {
    if (isTold(area.form, 'text')) return;
    e.preventDefault(); take(area.form, 'text');
  });
  on('dragstart', '[data-hand-text],[data-hand-picture]', (el, e) => e.preventDefault());
  on('contextmenu', '[data-hand-picture]', (img, e) => {
    if (isTold(img.closest('form'), 'picture')) return;
    e.preventDefault(); toast('先点「复制图片」或「保存图片」，记下以后再长按。');
  });
  on('click', '#hand-doc .tabs a', el => { el.closest('form')?.querySelectorAll('[data-hand-said],[data-hand-problem]').forEach(box => { box.hidden = true; }); });
})();
