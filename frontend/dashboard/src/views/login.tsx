// Who are you? A one-time link sets the password; afterwards e-mail and password.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { get, loadMe, post } from "../api";
import iconUrl from "../icon.svg";
import { go, route } from "../router";
import type { LinkInfo } from "../types";

const PASSWORD_MIN = 12;

function tokenInAddress(): string {
  const hash = new URLSearchParams(location.hash.slice(1));
  return route.value.query.get("token") ?? hash.get("token") ?? "";
}

// Taken out of the address at once, so that it doesn't stay in the history.
let token = tokenInAddress();
if (token) go(location.pathname, true);

export const hasLoginToken = () => token !== "";

export function LoginView() {
  useEffect(() => {
    document.title = "Sign in · Footfall";
  }, []);
  return (
    <main class="login">
      <section>
        <p class="login-brand">
          <img src={iconUrl} alt="" width="36" height="36" /> Footfall
        </p>
        {token ? <NewPassword /> : <Password />}
      </section>
    </main>
  );
}

function useForm(send: (form: FormData) => Promise<void>) {
  const problem = useSignal("");
  const isBusy = useSignal(false);
  const onSubmit = async (event: SubmitEvent) => {
    event.preventDefault();
    problem.value = "";
    isBusy.value = true;
    try {
      await send(new FormData(event.currentTarget as HTMLFormElement));
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      isBusy.value = false;
    }
  };
  return { problem, isBusy, onSubmit };
}

async function enter(): Promise<void> {
  await loadMe();
  if (route.value.path === "/login") go("/", true);
}

function Password() {
  const { problem, isBusy, onSubmit } = useForm(async (form) => {
    await post("/api/login", { email: form.get("email"), password: form.get("password") });
    await enter();
  });
  return (
    <form onSubmit={onSubmit}>
      <h1>Sign in</h1>
      <Field label="E-mail">
        <input name="email" type="email" autocomplete="username" required autofocus />
      </Field>
      <Field label="Password">
        <input name="password" type="password" autocomplete="current-password" required />
      </Field>
      <Said problem={problem.value} />
      <button type="submit" class="button" disabled={isBusy.value}>
        Sign in
      </button>
      <p class="fine">
        First time here, or the password is lost? Open the one-time link that <code>footfall init</code> printed, or ask
        an admin for a new one.
      </p>
    </form>
  );
}

function NewPassword() {
  const { problem, isBusy, onSubmit } = useForm(async (form) => {
    if (form.get("password") !== form.get("again")) throw new Error("The two passwords aren't the same.");
    await post("/api/login/link", { token, email: form.get("email"), password: form.get("password") });
    token = "";
    await enter();
  });
  const email = useSignal("");
  useEffect(() => {
    get<LinkInfo>("/api/login/link", { token }).then(
      (link) => {
        email.value = link.email;
      },
      (error: unknown) => {
        problem.value = error instanceof Error ? error.message : String(error);
      },
    );
  }, []);
  const leave = () => {
    token = "";
    go("/login", true);
  };
  return (
    <form onSubmit={onSubmit}>
      <h1>Choose your password</h1>
      <p class="fine">This link works once. From now on you sign in with your e-mail address and this password.</p>
      <Field label="E-mail">
        <input
          name="email"
          type="email"
          autocomplete="username"
          required
          value={email.value}
          onInput={(event) => {
            email.value = event.currentTarget.value;
          }}
        />
      </Field>
      <Field label="New password">
        <input
          name="password"
          type="password"
          autocomplete="new-password"
          minLength={PASSWORD_MIN}
          required
          autofocus
          aria-describedby="password-rule"
        />
      </Field>
      <p class="fine" id="password-rule">
        At least {PASSWORD_MIN} characters; a few unrelated words make a good one.
      </p>
      <Field label="Once more">
        <input name="again" type="password" autocomplete="new-password" minLength={PASSWORD_MIN} required />
      </Field>
      <Said problem={problem.value} />
      <button type="submit" class="button" disabled={isBusy.value}>
        Set password and enter
      </button>
      <button type="button" class="link" onClick={leave}>
        I already have a password
      </button>
    </form>
  );
}

function Field({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child.
    <label class="field">
      <span>{label}</span>
      {children}
    </label>
  );
}

function Said({ problem }: { problem: string }) {
  return (
    <p class="said" role="alert">
      {problem}
    </p>
  );
}
