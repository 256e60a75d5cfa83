const EXAMPLES = ['What is a river?', 'Define courage.', 'Who are you?', 'What is Blyan?'];

export function Welcome({ onExample }: { readonly onExample: (text: string) => void }) {
  return (
    <section className="welcome">
      <h2>Ask the network.</h2>
      <p>
        The model that answers here is cut into blocks. Nodes like yours host them, and verify every byte before they
        compute with it. Each answer says which node did what.
      </p>
      <div className="examples">
        {EXAMPLES.map((text) => (
          <button type="button" key={text} onClick={() => onExample(text)}>
            {text}
          </button>
        ))}
      </div>
      <dl className="honest">
        <div>
          <dt>What it knows</dt>
          <dd>
            The genesis model is small: it knows definitions of words, and says nonsense when asked anything else.
          </dd>
        </div>
        <div>
          <dt>Who can see it</dt>
          <dd>Whoever hosts a stage can see activations and may recover your prompt. Do not send secrets.</dd>
        </div>
      </dl>
    </section>
  );
}
