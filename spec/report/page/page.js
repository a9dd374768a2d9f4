"use strict";
// The page is readable without this script. With it, one section is shown at a time; which one,
// and what is chosen in it, is the fragment of the address:
//   #queue.fifo, #queues, #names     the section that has this id, or is around it
//   #?chapter=queues&verdict=fails   the matrix, with filters (q, chapter, method, verdict, level)
//   #?from=ENVIRONMENT&to=...        the comparison of two environments, or of two start methods
// Text from a record is only ever set as the text of a node.
(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const data = JSON.parse(find("#data").textContent);
  const { claims, environments, methods, words } = data;
  const order = Object.keys(words);
  const codes = Object.fromEntries(order.map((code) => [words[code][0], code]));
  const rows = all(".matrix tbody tr");
  const chapters = all(".chapter");
  const numbers = new Map(claims.map((claim, number) => [claim.id, number]));
  const texts = claims.map((claim) => `${claim.sentence} ${claim.id} ${claim.docs}`.toLowerCase());
  const filters = find("#matrix .filters");
  const comparison = find("#compare form");
  const search = find("#search");
  const title = document.title;
  const MINE = "mine";

  const make = (tag, properties = {}, ...children) => {
    const { on, ...own } = properties;
    const made = Object.assign(document.createElement(tag), own);
    if (on) made.dataset.on = on;
    made.append(...children);
    return made;
  };
  const pause = () => new Promise((done) => setTimeout(done));
  const told = (code) => `${words[code][1]} ${words[code][2]}`;
  const verdictOf = (environment, number, method) => environment.verdicts[3 * number + method];
  const reasonOf = (environment, number, method) =>
    data.reasons[environment.reasons[3 * number + method]] ?? "";
  const bySlug = (slug) => environments.find((each) => each.slug === slug);

  // --- versions -------------------------------------------------------------------------------
  const parts = (version) => (version.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  const less = (a, b) => {
    for (let place = 0; place < 3; place++) {
      const [one, other] = [a[place] ?? 0, b[place] ?? 0];
      if (one !== other) return one < other;
    }
    return false;
  };
  // As reached() of spec.kit.claims: "3.13.8, 3.14.1" came with both, and is in all that follow.
  const reached = (releases, python) => {
    const version = parts(python);
    const firsts = releases.split(", ").map(parts).sort((a, b) => (less(a, b) ? -1 : 1));
    const own = firsts.find((first) => first[0] === version[0] && first[1] === version[1]);
    if (own) return !less(version, own);
    const last = firsts.at(-1);
    return less(last.slice(0, 2), version.slice(0, 2));
  };

  // --- the address ----------------------------------------------------------------------------
  const places = new Map();
  let shown = "";
  let followed = false;

  // The article of a claim is the text of a noscript element until it is shown.
  const articles = all("#claims noscript");
  const articleOf = (id) => {
    const present = find("#claims .claim");
    if (present?.id === id || !numbers.has(id)) return present?.id === id ? present : null;
    const made = document.createElement("template");
    made.innerHTML = articles[numbers.get(id)].textContent;
    const article = find(".claim", made.content);
    present?.remove();
    find("#claims").append(article);
    return article;
  };

  const show = (view, target) => {
    document.documentElement.classList.remove("first");
    for (const each of all(".view.now")) each.classList.remove("now");
    view.classList.add("now");
    const claim = target?.closest(".claim");
    if (claim) addMine(claim);
    for (const link of all(".top nav a")) {
      if (link.hash === `#${view.id}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const heading = find("h1, h2", claim ?? (target && target !== view ? target : view));
    document.title = view.id === "overview" ? title : `${heading.textContent} · multiprocessing-spec`;
    return heading;
  };

  const route = (first = false) => {
    places.set(shown, [window.scrollY, find(".scroller").scrollTop]);
    const raw = location.hash.slice(1);
    const chosen = raw.startsWith("?") ? new URLSearchParams(raw.slice(1)) : null;
    const target = chosen ? null : (articleOf(decoded(raw)) ?? document.getElementById(decoded(raw)));
    const unknown = raw && !chosen && !target?.closest(".view");
    const view = chosen
      ? find(chosen.has("from") ? "#compare" : "#matrix")
      : (target?.closest(".view") ?? find("#overview"));
    const heading = show(view, target);
    find("#notice").hidden = !unknown;
    if (unknown) find("#notice").textContent = `Nothing here is named ${decoded(raw).slice(0, 80)}.`;
    if (view.id === "matrix") filter(chosen ?? new URLSearchParams());
    if (view.id === "names") showNames(target);
    if (view.id === "compare") compare(chosen ?? new URLSearchParams());
    const place = followed ? undefined : places.get(raw);
    const typing = document.activeElement?.matches("input, select") && !followed;
    if (!first && !typing) heading.focus({ preventScroll: true });
    if (place && !first) {
      window.scrollTo(0, place[0]);
      find(".scroller").scrollTop = place[1];
    } else if (target && target !== view && !target.matches(".claim, .name")) target.scrollIntoView();
    else if (!typing) window.scrollTo(0, 0);
    shown = raw;
    followed = false;
  };
  const decoded = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  const go = (chosen, replace = false) => {
    const text = `#?${new URLSearchParams(chosen)}`;
    if (replace) history.replaceState(null, "", text);
    else history.pushState(null, "", text);
    route();
  };

  // --- the matrix -----------------------------------------------------------------------------
  const FILTERS = ["chapter", "method", "verdict", "level"];

  const matches = (number, chosen) => {
    const claim = claims[number];
    if (chosen.chapter && claim.chapter !== chosen.chapter) return false;
    if (chosen.level && claim.observed !== (chosen.level === "observed")) return false;
    if (chosen.words.some((word) => !texts[number].includes(word))) return false;
    if (!chosen.verdict && chosen.method < 0) return true;
    const found = new Set();
    for (const environment of environments)
      if (chosen.method >= 0) found.add(verdictOf(environment, number, chosen.method));
      else for (let method = 0; method < 3; method++) found.add(verdictOf(environment, number, method));
    if (chosen.verdict === "differs") return found.size > 1;
    if (chosen.verdict) return found.has(codes[chosen.verdict]);
    return [...found].some((code) => code !== "n");
  };

  const filter = (given) => {
    const text = given.get("q") ?? "";
    if (document.activeElement !== search) search.value = text;
    for (const name of FILTERS) {
      const field = filters.elements[name];
      field.value = given.get(name) ?? "";
      if (field.selectedIndex < 0) field.value = "";
    }
    const chosen = {
      chapter: filters.elements.chapter.value,
      method: methods.indexOf(filters.elements.method.value),
      verdict: filters.elements.verdict.value,
      level: filters.elements.level.value,
      words: text.toLowerCase().split(/\s+/).filter(Boolean),
    };
    let count = 0;
    let number = 0;
    for (const chapter of chapters) {
      let any = false;
      for (let left = chapter.rowCount; left > 0; left--, number++) {
        const fits = matches(number, chosen);
        if (rows[number].hidden === fits) rows[number].hidden = !fits;
        any ||= fits;
        count += fits;
      }
      if (chapter.hidden === any) chapter.hidden = !any;
    }
    find("#none").hidden = count > 0;
    find("#found").textContent = `${count} of ${claims.length} claims`;
  };

  const chooseFilters = (replace) => {
    const chosen = FILTERS.map((name) => [name, filters.elements[name].value]);
    go([["q", search.value], ...chosen].filter(([, value]) => value), replace);
  };

  // --- the comparison -------------------------------------------------------------------------
  const options = (select, groups) => {
    const before = select.value;
    select.replaceChildren(
      ...groups.map(([label, entries]) => {
        const made = entries.map(([value, text]) => make("option", { value, textContent: text }));
        return label ? make("optgroup", { label }, ...made) : make("option", {});
      }),
    );
    select.value = before;
  };
  const offer = () => {
    const known = environments.map((each) => [each.slug, each.label]);
    const groups = [["environments", known], ["start methods", methods.map((each) => [each, each])]];
    for (const form of all("form[data-compare]"))
      for (const name of ["from", "to"]) options(form.elements[name], form === comparison ? groups : groups.slice(0, 1));
    options(comparison.elements.in, groups.slice(0, 1));
  };
  // The newest release and the newest of the feature release before it.
  const usual = () => {
    const newest = environments[data.reference];
    if (!newest) return {};
    const [major, minor] = parts(newest.python);
    const older = environments.filter((each) => {
      const version = parts(each.python);
      return each.family === newest.family && (version[0] < major || version[1] < minor);
    });
    return { from: (older.at(-1) ?? environments[0]).slug, to: newest.slug };
  };

  const sidesOf = (from, to, within) => {
    if (methods.includes(from) && methods.includes(to)) {
      const environment = bySlug(within) ?? environments[data.reference];
      return environment && [from, to].map((method) => ({
        name: method, environment, columns: [methods.indexOf(method)], python: "",
      }));
    }
    const both = [bySlug(from), bySlug(to)];
    return both[0] && both[1] && both.map((environment) => ({
      name: environment.label, environment, columns: [0, 1, 2], python: environment.python,
    }));
  };

  const compare = (given) => {
    const fallback = usual();
    let [from, to] = [given.get("from") ?? fallback.from, given.get("to") ?? fallback.to];
    const fields = comparison.elements;
    fields.from.value = from;
    fields.to.value = to;
    const ofMethods = methods.includes(from);
    fields.in.parentElement.hidden = !ofMethods;
    fields.in.value = given.get("in") ?? environments[data.reference]?.slug ?? "";
    const results = find("#differences");
    const sides = sidesOf(from, to, fields.in.value);
    if (!sides) {
      results.replaceChildren();
      find("#compared").textContent = environments.length
        ? "Choose two environments of this page, or two start methods."
        : "No record was given, so there is nothing to compare.";
      return;
    }
    const where = sides.map((side) => `${ofMethods ? "under" : "on"} ${side.name}`);
    // The worst for a program that moves from one side to the other comes first.
    const groups = [
      [`Holds ${where[0]}, and not ${where[1]}`, `hold only ${where[0]}`, []],
      ["Other differences", "differ otherwise", []],
      ["Holds on both sides, and something became different", "became different", []],
      [`Holds ${where[1]}, and not ${where[0]}`, `hold only ${where[1]}`, []],
      ["Run on one side only", "were run on one side only", []],
    ];
    const [lost, other, changed, gained, unknown] = groups.map((group) => group[2]);
    claims.forEach((claim, number) => {
      const [one, two] = sides.map((side) => codesOf(side, number));
      const changes = changesBetween(claim, sides);
      const holds = [one, two].map((codes) => codes.includes("h"));
      const runs = [one, two].map((codes) => codes.some((code) => code !== "u"));
      if (one.join() === two.join()) {
        if (changes.length) changed.push([number, changes]);
      } else if (runs[0] !== runs[1]) unknown.push([number, changes]);
      else if (holds[1] && !holds[0]) gained.push([number, changes]);
      else if (holds[0] && !holds[1]) lost.push([number, changes]);
      else other.push([number, changes]);
    });
    const count = groups.reduce((sum, group) => sum + group[2].length, 0);
    const parts = groups.filter((group) => group[2].length).map((group) => `${group[2].length} ${group[1]}`);
    find("#compared").textContent =
      `${count} of ${claims.length} claims differ between ${sides[0].name} and ${sides[1].name}`
      + (count ? `: ${parts.join(", ")}.` : ".");
    const defaults = sides.map((side) => side.environment.default);
    const built = [];
    if (!ofMethods && defaults[0] && defaults[1] && defaults[0] !== defaults[1])
      built.push(make("p", { className: "default" },
        `A program that chooses no start method gets ${defaults[1]} on ${sides[1].name}, and ${defaults[0]} on ${sides[0].name}. `,
        make("a", { href: `#?from=${defaults[0]}&to=${defaults[1]}`, textContent: `What differs between ${defaults[0]} and ${defaults[1]}` })));
    for (const [name, , list] of groups)
      if (list.length) built.push(
        make("h2", {}, `${name} `, make("span", { className: "count", textContent: list.length })),
        table(list, sides));
    results.replaceChildren(...built);
  };
  const codesOf = (side, number) =>
    side.columns.map((method) => verdictOf(side.environment, number, method));
  const changesBetween = (claim, sides) =>
    claim.changes.filter(([releases]) =>
      sides[0].python && reached(releases, sides[0].python) !== reached(releases, sides[1].python));

  const table = (list, sides) => {
    const head = make("tr", {}, ...["claim", ...sides.map((side) => side.name)]
      .map((text) => make("th", { scope: "col", textContent: text })));
    const body = list.map(([number, changes]) => {
      const claim = claims[number];
      // That a claim holds since a release is told by the side on which it does not apply.
      const same = codesOf(sides[0], number).join() === codesOf(sides[1], number).join();
      const what = changes.filter((change) => same || !change[2]).map(([releases, text]) =>
        make("small", { className: "what" }, make("b", { textContent: `Python ${releases}` }), ` ${text}`));
      return make("tr", {},
        make("th", { scope: "row" }, make("a", { href: `#${claim.id}`, textContent: claim.sentence }), ...what),
        sideCell(sides[0], sides[1], number), sideCell(sides[1], sides[0], number));
    });
    return make("table", { className: "differences" }, make("thead", {}, head), make("tbody", {}, ...body));
  };
  const plain = (reason) => reason.replace(/, and this is [\d.]+/, "");
  const sideCell = (side, other, number) => {
    const [codes, others] = [codesOf(side, number), codesOf(other, number)];
    const worst = [...codes].sort((a, b) => order.indexOf(a) - order.indexOf(b))[0];
    const cell = make("td", { className: worst, on: side.name });
    const together = new Map();
    const best = (a, b) => order.indexOf(codes[b]) - order.indexOf(codes[a]);
    for (const place of [...codes.keys()].sort((a, b) => best(a, b) || a - b)) {
      const code = codes[place];
      together.set(code, [...(together.get(code) ?? []), methods[side.columns[place]]]);
    }
    for (const [code, names] of together)
      cell.append(make("div", { className: code, textContent: told(code) + (together.size > 1 ? ` under ${names.join(", ")}` : "") }));
    // The reason of what is the same on the other side tells nothing about the difference.
    const differing = side.columns.filter((_, place) => codes[place] !== others[place]);
    const reasons = new Set(differing.map((method) => plain(reasonOf(side.environment, number, method))).filter(Boolean));
    for (const reason of reasons) cell.append(make("small", {}, make("bdi", { textContent: reason.slice(0, 400) })));
    return cell;
  };

  // --- documented names -----------------------------------------------------------------------
  const names = all(".name");
  const nameOf = (text) => {
    const wanted = text.trim().replace(/\(\)$/, "").toLowerCase();
    const ids = names.map((each) => each.id);
    return wanted && (ids.find((id) => id.toLowerCase() === wanted)
      ?? ids.find((id) => id.toLowerCase() === `multiprocessing.${wanted}`)
      ?? ids.find((id) => id.toLowerCase().endsWith(`.${wanted}`)));
  };
  // A name that was followed stands alone, with the names below it.
  const showNames = (target) => {
    const one = target?.closest(".name");
    find("#names input").value = one ? one.id.replace("multiprocessing.", "") : "";
    filterNames("");
    if (!one) return;
    for (const each of names) each.hidden = each !== one && !each.id.startsWith(`${one.id}.`);
    find("#named").textContent = "";
  };
  const filterNames = (text) => {
    const wanted = text.trim().replace(/\(\)$/, "").toLowerCase();
    let count = 0;
    for (const each of names) {
      each.hidden = !each.id.toLowerCase().includes(wanted);
      count += !each.hidden;
    }
    find("#named").textContent = `${count} of ${names.length} names`;
  };

  // --- a record of one's own ------------------------------------------------------------------
  const say = (text) => { find("#dropped").replaceChildren(make("bdi", { textContent: text })); };

  const take = async (file) => {
    const name = file.name.slice(0, 60);
    location.hash = "#my-machine";
    say(`${name} is being read.`);
    try {
      const read = readRecord(await file.text());
      await addColumn(read.environment);
      say(`${name}: ${read.environment.name}. ${read.notes.join(" ")} It is the column "my machine".`);
      const { to } = usual();
      const link = make("a", { href: `#?${new URLSearchParams({ from: to ?? MINE, to: MINE })}`, textContent: "Compare it" });
      find("#dropped").append(" ", link, " ", make("a", { href: "#matrix", textContent: "See it in the matrix" }));
    } catch (error) {
      say(`${name} ${error instanceof RecordError ? error.message : "cannot be read."}`);
    }
  };
  class RecordError extends Error {}

  const lineOf = (text) => {
    try {
      const value = JSON.parse(text);
      return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
    } catch {
      return null;
    }
  };
  const readRecord = (text) => {
    const lines = text.split("\n");
    const cut = lines.pop();
    const head = lineOf(lines[0] ?? cut);
    if (head?.kind !== "head" || !Number.isInteger(head.format))
      throw new RecordError("is not a record of this suite: python -m pytest --results=FILE makes one.");
    if (head.format > data.format)
      throw new RecordError(`has the format ${head.format}, and this page knows ${data.format}: it needs a newer page.`);
    if (head.format < data.format)
      throw new RecordError(`has the format ${head.format}, and this page knows ${data.format}: run the suite again.`);
    const verdicts = Array(3 * claims.length).fill("u");
    const reasons = {};
    const notes = [];
    const offered = Array.isArray(head.start_methods) ? head.start_methods : methods;
    const absent = methods.filter((method) => !offered.includes(method));
    let [ended, foreign, plays] = [false, 0, 0];
    for (let at = 1; at < lines.length; at++) {
      const line = lineOf(lines[at]);
      if (!line) {
        notes.push(`Line ${at + 1} is damaged; what is above it counts.`);
        break;
      }
      if (line.kind === "foot") ended = true;
      if (line.kind !== "play") continue;
      const number = numbers.get(line.claim);
      // A claim that is not about processes is played once, under no start method.
      const played = line.start_method === "" ? methods : methods.filter((each) => each === line.start_method);
      if (number === undefined || !played.length || !Object.hasOwn(codes, line.verdict)) {
        foreign++;
        continue;
      }
      plays++;
      for (const method of played) {
        const place = 3 * number + methods.indexOf(method);
        verdicts[place] = codes[line.verdict];
        if (typeof line.reason === "string" && line.reason)
          reasons[place] = data.reasons.push(line.reason.slice(0, 1000)) - 1;
      }
    }
    claims.forEach((_, number) => absent.forEach((method) => {
      const place = 3 * number + methods.indexOf(method);
      if (verdicts[place] === "u") verdicts[place] = "n";
    }));
    if (!ended) notes.push("The run did not reach its end.");
    if (foreign) notes.push(`${foreign} plays are of claims that this page does not know.`);
    notes.unshift(`${plays} plays.`);
    const python = String(head.python ?? "").slice(0, 40);
    const own = String(head.python_implementation ?? "").slice(0, 40);
    return {
      notes,
      environment: {
        slug: MINE, name: `${own} ${python}, ${String(head.platform ?? "").slice(0, 80)}`,
        label: "my machine", python, family: "", default: String(head.default_start_method ?? "").slice(0, 20),
        verdicts: verdicts.join(""), reasons,
      },
    };
  };

  const textOf = (triple) => {
    const worst = [...triple].sort((a, b) => order.indexOf(a) - order.indexOf(b))[0];
    if (new Set(triple).size === 1) return [worst, told(worst)];
    const applies = order.filter((code) => triple.includes(code));
    const others = (applies.join("") === "nh" ? ["h"] : applies.filter((code) => code !== "h")).map((code) =>
      `${words[code][2]} ${methods.filter((_, place) => triple[place] === code).join(", ")}`);
    return [worst === "n" ? "p" : worst, `${[...triple].map((code) => words[code][1]).join(" ")}\n${others.join("; ")}`];
  };
  const addColumn = async (environment) => {
    const old = bySlug(MINE);
    if (old) environments.splice(environments.indexOf(old), 1);
    environments.push(environment);
    for (const each of all(".mine")) each.remove();
    document.documentElement.style.setProperty("--columns", environments.length);
    let number = 0;
    for (const chapter of chapters) {
      find("thead tr", chapter).append(make("th", { scope: "col", className: "mine", textContent: environment.label }));
      for (let left = chapter.rowCount; left > 0; left--, number++) {
        const [code, text] = textOf(environment.verdicts.slice(3 * number, 3 * number + 3));
        rows[number].append(make("td", { className: code === "h" ? "mine" : `${code} mine`, textContent: text, on: environment.label }));
      }
      await pause();
    }
    offer();
  };
  const addMine = (claim) => {
    const mine = bySlug(MINE);
    const table = find(".verdicts", claim);
    find(".mine", claim)?.remove();
    if (!mine || !table) return;
    const number = numbers.get(claim.id);
    table.append(make("tr", { className: "mine" }, make("th", { scope: "row", textContent: mine.label }),
      ...methods.map((_, method) => {
        const code = verdictOf(mine, number, method);
        const reason = reasonOf(mine, number, method);
        return make("td", { className: code }, told(code), ...(reason ? [make("small", {}, " ", make("bdi", { textContent: reason }))] : []));
      })));
  };

  // --- events ---------------------------------------------------------------------------------
  const listen = () => {
    window.addEventListener("hashchange", () => route());
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[href^='#']");
      if (!link) return;
      followed = true;
      if (link.classList.contains("skip")) {
        event.preventDefault();
        find(".view.now :is(h1, h2)").focus();
        followed = false;
      } else if (link.hash === location.hash) route();
    });
    let waiting = 0;
    search.addEventListener("input", () => {
      cancelAnimationFrame(waiting);
      const begins = !find("#matrix").classList.contains("now");
      waiting = requestAnimationFrame(() => chooseFilters(!begins));
    });
    search.form.addEventListener("submit", (event) => {
      event.preventDefault();
      chooseFilters(find("#matrix").classList.contains("now"));
    });
    filters.addEventListener("change", () => chooseFilters(false));
    filters.addEventListener("reset", () => {
      search.value = "";
      go([]);
    });
    filters.addEventListener("submit", (event) => event.preventDefault());
    for (const form of all("form[data-compare]")) {
      const fields = form.elements;
      const chosen = (changed) => {
        // Environments are compared with environments, and start methods with start methods.
        if (changed && methods.includes(fields.from.value) !== methods.includes(fields.to.value)) {
          const other = changed === fields.from ? fields.to : fields.from;
          other.value = methods.includes(changed.value)
            ? methods.find((method) => method !== changed.value)
            : usual()[other.name];
        }
        const values = { from: fields.from.value, to: fields.to.value };
        if (fields.in && methods.includes(values.from)) values.in = fields.in.value;
        go(values);
      };
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        chosen();
      });
      if (form !== comparison) continue;
      form.addEventListener("change", (event) => chosen(event.target));
      fields.swap.addEventListener("click", () => {
        [fields.from.value, fields.to.value] = [fields.to.value, fields.from.value];
        chosen();
      });
    }
    for (const form of all("form[data-name]")) {
      const field = form.elements.name;
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const id = nameOf(field.value);
        followed = true;
        location.hash = id || "names";
        if (!id) setTimeout(() => filterNames(field.value));
      });
    }
    find("#names input").addEventListener("input", (event) => filterNames(event.target.value));
    find("#file").addEventListener("change", (event) => {
      if (event.target.files[0]) take(event.target.files[0]);
    });
    const root = document.documentElement;
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      root.classList.add("dropping");
    });
    document.addEventListener("dragleave", () => root.classList.remove("dropping"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      root.classList.remove("dropping");
      if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !event.target.matches("input, select, textarea")) {
        event.preventDefault();
        search.focus();
      }
    });
  };

  for (const chapter of chapters) chapter.rowCount = chapter.querySelectorAll("tbody tr").length;
  document.documentElement.style.setProperty("--columns", environments.length);
  offer();
  const start = usual();
  for (const name of ["from", "to"]) find("#overview [data-compare]").elements[name].value = start[name];
  listen();
  route(true);
})();
