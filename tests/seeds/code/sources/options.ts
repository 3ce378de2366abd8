/**
 * Options of a request.
 */
export interface Options {
  /** How long to wait, in seconds. */
  timeout?: number;
}

/** What came back, or why nothing did. */
export type Outcome<T> = { ok: true; value: T } | { ok: false; why: string };

@injectable({ scope: "singleton" })
/**
 * Asks a service.
 *
 * @typeParam T - of the answer
 */
export class Client<T extends object> implements Asks<T> {
  /**
   * @param address where it is
   * @param options see {@link Options}
   */
  constructor(private readonly address: string, options: Options = { timeout: 3 }) {}

  /** Ask once. @returns the outcome */
  public async ask(path: `/${string}`): Promise<Outcome<T>> {
    return { ok: false, why: `no ${path} {` };
  }

  private hidden(): void {}
}
