// Launcher tiles in JupyterLab for the pod's other pages. Written by hand, without a build step: JupyterLab loads a
// module federation container, an object with `init` and `get`; `init` receives the scope of the packages that
// JupyterLab shares with its extensions.
(() => {
  let scope = {};

  const shared = async name => {
    const versions = scope[name] || {};
    const newest = Object.keys(versions).pop();
    if (!newest) throw new Error(`podkeeper: JupyterLab does not share ${name}`);
    return (await versions[newest].get())();
  };

  const plugin = async () => {
    const [{ ILauncher }, { LabIcon }, { ServerConnection }, { URLExt }] = await Promise.all([
      shared('@jupyterlab/launcher'),
      shared('@jupyterlab/ui-components'),
      shared('@jupyterlab/services'),
      shared('@jupyterlab/coreutils')
    ]);
    return {
      id: 'podkeeper:tiles',
      autoStart: true,
      optional: [ILauncher],
      activate: async (app, launcher) => {
        const settings = app.serviceManager.serverSettings;
        const base = URLExt.join(settings.baseUrl, '/');
        const response = await ServerConnection.makeRequest(base + 'podkeeper/tiles', {}, settings);
        if (!response.ok) return;
        (await response.json()).tiles.forEach(({ name, title, caption, svg, path }, rank) => {
          const command = `podkeeper:open-${name}`;
          app.commands.addCommand(command, {
            label: title,
            caption,
            icon: new LabIcon({ name: `podkeeper:${name}`, svgstr: svg }),
            execute: () => window.open(base + path, `podkeeper-${name}`)
          });
          if (launcher) launcher.add({ command, category: 'Pod', rank });
        });
      }
    };
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB.podkeeper = {
    init: sharedScope => {
      scope = sharedScope;
    },
    get: async () => {
      const built = await plugin();
      return () => ({ __esModule: true, default: built });
    }
  };
})();
