// Upload by choosing, dropping or pasting; proposals of columns taken with one click.
'use strict';
(() => {
  const { $, on } = nq;
  const form = $('[data-upload]');
  const send = () => { form.setAttribute('aria-busy', 'true'); form.requestSubmit(); };
  on('change', '[data-upload] input[name=file]', el => { if (el.files.length) { $('[data-name]').textContent = el.files[0].name; send(); } });
  on('change', '[data-kind]', el => { location.href = `/imports/?kind=${encodeURIComponent(el.value)}`; });
  on('click', '[data-propose]', el => {
    const choice = $('select', el.closest('tr'));
    choice.value = el.dataset.propose; el.remove(); choice.focus();
  });
  const drop = $('.drop');
  if (!drop) return;
  for (const kind of ['dragover', 'dragleave', 'drop']) drop.addEventListener(kind, e => {
    e.preventDefault();
    drop.classList.toggle('over', kind === 'dragover');
    if (kind === 'drop' && e.dataTransfer.files.length) { $('input[name=file]', drop).files = e.dataTransfer.files; $('[data-name]').textContent = e.dataTransfer.files[0].name; send(); }
  });
})();
