/**
 * How the report looks. Colours are variables: a light set, a dark one for screens alone, so that paper stays white.
 * Charts carry their colours as attributes, which rules for those attributes repaint.
 */
import { INK } from '../../charts/svg.ts';

const LIGHT = `--page:#fbfaf7;--surface:#fff;--ink:${INK.strong};--weak:#57606a;--line:#d9d7d0;--rule:#8c959f;--grid:#e7e5df;
--accent:#0a5794;--tint:#eef3f8;color-scheme:light`;

const DARK = `--page:#131619;--surface:#1a1e22;--ink:#e4e6e8;--weak:#a0a9b2;--line:#31373d;--rule:#69727b;--grid:#2b3136;
--accent:#86bdec;--tint:#1d2a37;color-scheme:dark`;

const CHARTS = `
figure svg{display:block;width:100%;height:auto;margin-top:-4%;font-family:var(--sans)}
figure svg [fill="${INK.strong}"]{fill:var(--ink)}
figure svg [fill="${INK.weak}"]{fill:var(--weak)}
figure svg [fill="${INK.paper}"]{fill:none}
figure svg [stroke="${INK.paper}"]{stroke:var(--surface)}
figure svg [stroke="${INK.strong}"]{stroke:var(--ink)}
figure svg [stroke="${INK.line}"]{stroke:var(--rule)}
figure svg [stroke="${INK.grid}"]{stroke:var(--grid)}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:1rem;align-items:start;margin:1.25rem 0}
figure{margin:0;background:var(--surface);border:1px solid var(--line);border-radius:6px;overflow:hidden;max-width:27rem}
figcaption{padding:.8rem 20px 0;font-weight:600;font-size:.9rem}`;

const TABLES = `
.scroll{overflow-x:auto;width:fit-content;max-width:100%;margin:1.25rem 0;border:1px solid var(--line);border-radius:6px;background:var(--surface)}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:.7rem .9rem;font-weight:600;position:sticky;left:0;width:fit-content}
th,td{padding:.5rem .9rem;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
thead th{vertical-align:bottom;font-weight:500;color:var(--weak)}
tbody th,tfoot th{font-weight:600}
tfoot th,tfoot td{color:var(--weak);font-weight:400;border-top:2px solid var(--line)}
.number{text-align:right;white-space:nowrap}
td.text{min-width:9rem;overflow-wrap:anywhere}
tbody th{overflow-wrap:anywhere;min-width:5rem}
th small,td small{display:block;font-size:.76rem;font-weight:400;color:var(--weak);white-space:nowrap}
td b{font-weight:700}
tbody th a{color:inherit;text-decoration-style:dotted}
.sortable th:first-child{position:sticky;left:0;background:var(--surface);border-right:1px solid var(--line);max-width:11rem}
.sortable th:first-child small,small.remark{white-space:normal}
th button{font:inherit;color:var(--accent);background:none;border:0;padding:0;cursor:pointer;white-space:nowrap}
th[aria-sort=descending] button::after{content:" ↓"}
th[aria-sort=ascending] button::after{content:" ↑"}
th[aria-sort] button{font-weight:700}
code{font:.86em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}`;

const TEXTS = `
.controls{display:flex;flex-wrap:wrap;gap:.75rem 1rem;align-items:end}
.controls label{font-size:.8rem;color:var(--weak);flex:1 1 12rem;min-width:0}
.controls select{display:block;width:100%;margin-top:.2rem}
.controls select,.controls button{font:inherit;font-size:.95rem;color:var(--ink);background:var(--surface);border:1px solid var(--rule);border-radius:5px;padding:.45rem .6rem}
.controls button{cursor:pointer;white-space:nowrap}
.controls button:disabled{cursor:default;color:var(--weak);border-color:var(--line)}
.buttons{display:flex;gap:.4rem}
.about{font-size:.85rem;color:var(--weak);margin:.8rem 0;max-width:none}
.given,.written,.answers article{background:var(--surface);border:1px solid var(--line);border-radius:6px;padding:.8rem 1rem}
.written{border-left:4px solid var(--accent);background:var(--tint);margin:.8rem 0}
.answers{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,18rem),1fr));gap:.8rem}
.viewer h3{font:600 .85rem/1.4 var(--sans);margin:0 0 .35rem}
.viewer h3 small{font-weight:400;color:var(--weak);display:block}
.viewer summary{font-size:.9rem}
.body{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;max-width:70ch}
.given .body{font-size:.88rem;color:var(--weak)}
.answers .anchor{border-color:var(--accent)}
.empty{font-style:italic;color:var(--weak)}`;

const PRINT = `
@media print{
@page{margin:15mm}
:root{font-size:10.5pt;--page:#fff}
main{padding:0;max-width:none}
nav,.controls{display:none}
.scroll{overflow:visible;border:0}
th,td{padding:.3rem .45rem}
table{font-size:.78rem}
.charts{grid-template-columns:1fr 1fr}
figure,tr,article,.written{break-inside:avoid}
h2,h3,caption{break-after:avoid}
a{color:inherit;text-decoration:none}
}`;

export const STYLE = `
:root{${LIGHT};--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
--serif:ui-serif,"Iowan Old Style",Charter,"Bitstream Charter",Georgia,Cambria,serif}
@media screen and (prefers-color-scheme:dark){:root{${DARK}}figure svg{filter:brightness(1.3)}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--page);color:var(--ink);font:1rem/1.55 var(--sans);overflow-wrap:break-word}
main{max-width:74rem;margin:0 auto;padding:clamp(1.25rem,4vw,3.5rem) clamp(1.1rem,4vw,3rem)}
h1,h2,.lede{font-family:var(--serif);font-weight:600;text-wrap:balance}
h1{font-size:clamp(1.7rem,4.5vw,2.5rem);line-height:1.15;margin:0 0 1.2rem;overflow-wrap:anywhere}
h2{font-size:1.5rem;line-height:1.25;margin:3.5rem 0 .6rem}
h3{font-size:1.02rem;margin:2rem 0 .5rem}
p,ul{max-width:44rem;margin:.6rem 0}
a{color:var(--accent);text-underline-offset:.18em;text-decoration-thickness:1px}
a,th a{font-weight:inherit}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
section:focus{outline:none}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,13rem),1fr));gap:.7rem 1.5rem;margin:0;font-size:.9rem}
.facts dt{color:var(--weak);font-size:.8rem}
.facts dd{margin:0;overflow-wrap:anywhere}
.headline{border-top:1px solid var(--line);border-bottom:1px solid var(--line);margin:1.8rem 0 1.2rem;padding:1.3rem 0 1.1rem}
.quiet{font:500 .8rem/1.4 var(--sans);color:var(--weak);margin:0 0 .4rem}
.lede{font-size:clamp(1.2rem,2.6vw,1.5rem);line-height:1.35;font-weight:500;max-width:38rem;margin:0 0 .8rem;text-wrap:pretty}
.whole{white-space:nowrap}
nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;font-size:.9rem;max-width:none}
.notes{max-width:46rem}
.notes dt{font-weight:600}
.notes small{font-weight:400;color:var(--weak);margin-left:.4em}
.notes dd{margin:0 0 .8rem;overflow-wrap:anywhere}
.notes dd::first-letter{text-transform:uppercase}
summary{cursor:pointer;color:var(--accent);padding:.3rem 0}
details{margin:.6rem 0}
${CHARTS}${TABLES}${TEXTS}${PRINT}
`;
