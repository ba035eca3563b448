'use strict';
(function () {
  // The titles serve screen readers; shown by the browser they would cover the values.
  document.querySelectorAll('figure > svg').forEach(function (svg) {
    svg.setAttribute('aria-label', Array.from(svg.querySelectorAll(':scope > title, :scope > desc')).map(function (e) {
      var text = e.textContent;
      e.remove();
      return text;
    }).join('. '));
    svg.removeAttribute('aria-labelledby');
  });

  function show(value, format) {
    var kind = format[0], digits = +format[1], currency = format.slice(2).join(',');
    var shown = kind === 'percent' ? value * 100 : value;
    var text = Math.abs(shown).toLocaleString('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits });
    var sign = shown < 0 && /[1-9]/.test(text) ? '\u2212' : '';
    if (kind === 'percent') return sign + text + '\u202f%';
    if (kind === 'times') return sign + text + '\u00d7';
    if (kind === 'money') return Array.from(currency).length === 1 ? sign + currency + text : sign + text + '\u00a0' + currency;
    return sign + text;
  }

  function at(points, x) {
    for (var i = 1; i < points.length; i++) {
      var a = points[i - 1], b = points[i];
      if (x >= a[0] && x <= b[0]) return b[0] === a[0] ? b[1] : a[1] + (b[1] - a[1]) * (x - a[0]) / (b[0] - a[0]);
    }
    return null;
  }

  var tip = document.createElement('div');
  tip.id = 'tip';
  tip.hidden = true;
  document.body.appendChild(tip);

  document.querySelectorAll('svg .hover').forEach(function (area) {
    var svg = area.ownerSVGElement;
    var x = area.dataset.x.split(',').map(Number), y = area.dataset.y.split(',').map(Number);
    var xf = area.dataset.xf.split(','), yf = area.dataset.yf.split(',');
    var lines = Array.from(svg.querySelectorAll('polyline[data-name]')).map(function (line) {
      var points = line.getAttribute('points').trim().split(/\s+/).map(function (p) { return p.split(',').map(Number); });
      return { name: line.dataset.name, points: points };
    }).reverse();
    area.addEventListener('pointermove', function (event) {
      var box = svg.getBoundingClientRect();
      var px = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
      tip.textContent = '';
      function row(text, strong) {
        var div = document.createElement(strong ? 'strong' : 'div');
        div.textContent = text;
        tip.appendChild(div);
      }
      row(area.dataset.xl + ': ' + show(x[0] + (px - x[2]) / (x[3] - x[2]) * (x[1] - x[0]), xf), true);
      lines.forEach(function (line) {
        var py = at(line.points, px);
        if (py !== null) row(line.name + ': ' + show(y[0] + (py - y[2]) / (y[3] - y[2]) * (y[1] - y[0]), yf), false);
      });
      tip.hidden = false;
      var left = event.clientX + 16;
      if (left + tip.offsetWidth > window.innerWidth - 8) left = event.clientX - tip.offsetWidth - 16;
      tip.style.left = Math.max(8, left) + 'px';
      tip.style.top = Math.max(8, event.clientY - tip.offsetHeight - 12) + 'px';
    });
    area.addEventListener('pointerleave', function () { tip.hidden = true; });
  });
})();
