import { render } from 'preact';
import { App } from './app.js';
import { followBlocks } from './live.js';

const place = document.getElementById('app')!;
place.textContent = '';
render(<App />, place);
void followBlocks();
