"""The spaCy-native way to fine-tune an encoder: `spacy train configs/finetune.cfg`, then `xlt flatten`.

`spacy_xlt.train(method="finetune")` is faster and needs nothing from here. This package is for teams who want
`spacy train` alone, with spacy-transformers' `transformer` component: it registers an architecture for that component
and a pooler for the head, and it turns the trained pipeline into the same four components as everything else in
spacy_xlt. It needs the extra `spacy-transformers`, which holds transformers below 4.53.3. Nothing outside of this
package imports spacy-transformers.
"""
