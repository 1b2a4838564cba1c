// The pages' server: stage/ and the players' own builds, from node_modules. Its
// origin is not the cluster's, so what plays there also proves CORS.
import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const packages = path.join(here, "..", "node_modules");

const libraries = {
  "/hls.js": "hls.js/dist/hls.min.js",
  "/dash.js": "dashjs/dist/modern/umd/dash.all.min.js",
  "/shaka.js": "shaka-player/dist/shaka-player.compiled.js",
};

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript" };

function fileOf(pathname) {
  if (libraries[pathname]) return path.join(packages, libraries[pathname]);
  return /^\/stage\/[a-z]+\.(html|js)$/.test(pathname) ? path.join(here, pathname) : "";
}

export async function servePages() {
  const server = http.createServer(async (request, response) => {
    const file = fileOf(new URL(request.url, "http://pages").pathname);
    try {
      const body = await readFile(file);
      response.writeHead(200, { "Content-Type": types[path.extname(file)], "Cache-Control": "no-store" }).end(body);
    } catch {
      response.writeHead(file ? 500 : 404).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => { server.closeAllConnections(); server.close(); },
  };
}
