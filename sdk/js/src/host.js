// Extism's globals: Host, Config, Var, Http, Memory, MemoryHandle, as its kit for JavaScript has them.
kit.host = () => {
  const ENV = "extism:host/env";
  const env = (name, ...given) => kit.invoke(ENV, name, ...given);
  const bytesOf = kit.bytes;

  // Blocks that are read once are given back.
  function taken(handle, read) {
    const value = read(handle);
    native.free(handle);
    return value;
  }

  function spoken() {
    const call = kit.current();
    if (call === null) throw new Error("there is no input or output while a plugin is built; use Host in a function");
    call.spoke = true;
    return call;
  }

  function said(value) {
    spoken().wrote = true;
    native.output(value);
    return true;
  }

  const Host = {
    inputBytes: () => (spoken(), native.input()),
    inputString: () => (spoken(), native.inputText()),
    outputBytes: (value) => said(bytesOf(value)),
    outputString: (value) => said(String(value).toWellFormed()),
    getFunctions() {
      const user = Object.entries(kit.doors).filter(([, door]) => door.user);
      return Object.fromEntries(
        user.map(([key, { user }]) => [user, (...given) => kit.invoke(...key.split(" "), ...given)]),
      );
    },
    arrayBufferToBase64: (value) => btoa(kit.latin(bytesOf(value))),
    base64ToArrayBuffer: (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer,
  };

  const Config = {
    get(key) {
      const handle = env("config_get", native.write(String(key)));
      return handle ? taken(handle, native.readText) : null;
    },
  };

  const Var = {
    getBytes(key) {
      const handle = env("var_get", native.write(String(key)));
      return handle ? taken(handle, native.read) : null;
    },
    getString(key) {
      const handle = env("var_get", native.write(String(key)));
      return handle ? taken(handle, native.readText) : null;
    },
    set(key, value) {
      const held = typeof value === "string" ? value.toWellFormed() : bytesOf(value);
      env("var_set", native.write(String(key)), native.write(held));
    },
  };

  const Http = {
    request(request, body) {
      const { url, method = "GET", headers = {} } = request;
      const texts = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
      const sent = body === undefined || body === null ? 0 : native.write(typeof body === "string" ? body : bytesOf(body));
      const asked = native.write(JSON.stringify({ url: String(url), method, headers: texts }));
      const handle = env("http_request", asked, sent);
      const text = handle ? taken(handle, native.readText) : "";
      const named = env("http_headers");
      return {
        status: env("http_status_code"),
        body: text,
        headers: named ? JSON.parse(taken(named, native.readText)) : {},
      };
    },
  };

  class MemoryHandle {
    constructor(offset, len) {
      this.offset = offset;
      this.len = len;
    }
    readString() {
      return native.readText(this.offset);
    }
    readBytes() {
      return native.read(this.offset);
    }
    readJsonObject() {
      return JSON.parse(this.readString());
    }
    readUInt32() {
      return new DataView(this.readBytes()).getUint32(0, true);
    }
    readUInt64() {
      return new DataView(this.readBytes()).getBigUint64(0, true);
    }
    readFloat32() {
      return new DataView(this.readBytes()).getFloat32(0, true);
    }
    readFloat64() {
      return new DataView(this.readBytes()).getFloat64(0, true);
    }
    readUFloat64() {
      return this.readFloat64();
    }
    free() {
      native.free(this.offset);
    }
  }

  function kept(value) {
    const offset = native.write(value);
    return new MemoryHandle(offset, native.length(offset));
  }

  function number(size, set) {
    const view = new DataView(new ArrayBuffer(size));
    set(view);
    return kept(view.buffer);
  }

  const Memory = {
    fromString: (text) => kept(String(text).toWellFormed()),
    fromBuffer: (value) => kept(bytesOf(value)),
    fromJsonObject: (value) => kept(JSON.stringify(value).toWellFormed()),
    allocUInt32: (value) => number(4, (view) => view.setUint32(0, value, true)),
    allocUInt64: (value) => number(8, (view) => view.setBigUint64(0, BigInt(value), true)),
    allocFloat32: (value) => number(4, (view) => view.setFloat32(0, value, true)),
    allocFloat64: (value) => number(8, (view) => view.setFloat64(0, value, true)),
    find: (offset) => new MemoryHandle(offset, native.length(offset)),
  };

  kit.globals({ Host, Config, Var, Http, Memory, MemoryHandle });
};
