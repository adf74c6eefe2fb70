// Launcher tiles in JupyterLab for the pod's other pages, and the notification before the pod is stopped. Written by
// hand, without a build step: JupyterLab loads a module federation container, an object with `init` and `get`; `init`
// receives the scope of the packages that JupyterLab shares with its extensions.
(() => {
  let scope = {};

  const shared = async name => {
    const versions = scope[name] || {};
    const newest = Object.keys(versions).pop();
    if (!newest) throw new Error(`podkeeper: JupyterLab does not share ${name}`);
    return (await versions[newest].get())();
  };

  const tiles = async () => {
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

  // A notification in the minutes before the pod is stopped, with a button that keeps it.
  const meter = async () => {
    const [{ Notification }, { ServerConnection }, { URLExt }] = await Promise.all([
      shared('@jupyterlab/apputils'),
      shared('@jupyterlab/services'),
      shared('@jupyterlab/coreutils')
    ]);
    return {
      id: 'podkeeper:meter',
      autoStart: true,
      activate: app => {
        const settings = app.serviceManager.serverSettings;
        const base = URLExt.join(settings.baseUrl, '/podkeeper/');
        const ask = (path, request) => ServerConnection.makeRequest(base + path, request, settings);
        const button = {
          label: 'Keep for 2 hours',
          caption: 'The pod is not stopped for being idle in the next 2 hours',
          callback: () => void ask('keep', { method: 'POST' }).then(look, () => {})
        };
        let shown = '';
        let timer = 0;
        const look = async () => {
          let every = 60;
          try {
            const response = await ask('meter', {});
            const answer = response.ok ? await response.json() : { every, text: '' };
            every = answer.every;
            const time = new Date(answer.at * 1000).toLocaleTimeString(); // the browser's own time zone
            const text = answer.text.replace('{at}', time);
            const options = { autoClose: false, actions: answer.keep ? [button] : [] };
            if (text && shown) Notification.update({ id: shown, message: text, ...options });
            else if (text) shown = Notification.warning(text, options);
            else if (shown) {
              Notification.dismiss(shown);
              shown = '';
            }
          } catch {
            // JupyterLab restarts, or the pod has been stopped.
          }
          clearTimeout(timer);
          if (every) timer = setTimeout(look, every * 1000);
        };
        void look();
      }
    };
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB.podkeeper = {
    init: sharedScope => {
      scope = sharedScope;
    },
    get: async () => {
      const built = await Promise.all([tiles(), meter()]);
      return () => ({ __esModule: true, default: built });
    }
  };
})();
