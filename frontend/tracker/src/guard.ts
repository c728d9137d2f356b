// How does the shop's page go on, whatever happens in here? Everything that the page or the browser calls runs guarded.

/** The result, or undefined if it failed: for what browsers may forbid, such as storage. */
export function attempt<T>(work: () => T, failed?: (error: unknown) => void): T | undefined {
  try {
    return work();
  } catch (error) {
    failed?.(error);
    return undefined;
  }
}

export const warn = (message: unknown): void => attempt(() => console.warn("footfall:", message));

/** The result, or a warning in the console. */
export const guard = <T>(work: () => T): T | undefined => attempt(work, warn);

/** Listen without ever holding up the page: passive, before the page's own listeners, guarded. */
export function listen<E extends Event>(types: string, heard: (event: E) => void): void {
  for (const type of types.split(" ")) {
    addEventListener(type, (event) => guard(() => heard(event as E)), { capture: true, passive: true });
  }
}

/** `setTimeout` with a guard. */
export const later = (work: () => void, ms?: number): number => +setTimeout(() => guard(work), ms);
