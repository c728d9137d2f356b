// Is that meant? A question before something that changes what visitors get; Escape and "Cancel" leave all as it is.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface Question {
  title: string;
  yes: string;
  children: ComponentChildren;
  onYes: () => void;
  onNo: () => void;
}

export function Confirm({ title, yes, children, onYes, onNo }: Question) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="confirm-title" onClose={onNo}>
      <h2 id="confirm-title">{title}</h2>
      <div>{children}</div>
      <div class="confirm-buttons">
        <button type="button" class="button quiet" onClick={onNo}>
          Cancel
        </button>
        <button type="button" class="button" onClick={onYes}>
          {yes}
        </button>
      </div>
    </dialog>
  );
}
