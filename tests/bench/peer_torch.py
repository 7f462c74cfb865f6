#!/usr/bin/python3
"""What a user would otherwise write: an eager PyTorch implementation of the method.

Same model family, same candidates, plain autograd ops for every candidate quantizer.
Prints tokens/s of (a) a full-precision forward pass, (b) a full-precision training step, (c) a first-order DARTS
search step (inner weight step on a train batch + outer alpha/quantizer step on a validation batch).
Usage: peer_torch.py [--dim 256 --layers 4 --heads 4 --ffn 688 --ctx 256 --batch 8 --vocab 4096 --steps 5 --threads 1]
"""
import argparse, math, time, resource
import torch, torch.nn as nn, torch.nn.functional as F

def rope(x, cos, sin):
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a*cos-b*sin, a*sin+b*cos), -1).flatten(-2)

class Quant(nn.Module):
    """LSQ+/PACT/uniform x {4,8,16} + pass-through, mixed by softmax(alpha)."""
    def __init__(s, activation):
        super().__init__()
        s.kinds = [(k, b) for k in ('lsq', 'pact', 'uniform') for b in (4, 8, 16)]
        s.alpha = nn.Parameter(torch.zeros(len(s.kinds)+1))
        s.scale = nn.Parameter(torch.tensor([ (3.0 if activation else .06)/(2**(b-1)-1) for _, b in s.kinds]))
        s.beta = nn.Parameter(torch.zeros(len(s.kinds)))
        s.activation = activation
    def forward(s, x):
        p = torch.softmax(s.alpha, 0)
        y = p[-1]*x
        for i, (k, b) in enumerate(s.kinds):
            qn, qp = -2**(b-1), 2**(b-1)-1
            if k == 'lsq':
                g = 1/math.sqrt(x.numel()*qp)
                sc = (s.scale[i]*g) + (s.scale[i]-s.scale[i]*g).detach()
                be = ((s.beta[i]*g) + (s.beta[i]-s.beta[i]*g).detach()) if s.activation else 0.
                v = ((x-be)/sc).clamp(qn, qp)
                q = (v+(v.round()-v).detach())*sc+be
            elif k == 'pact':
                a = s.scale[i]*qp
                c = torch.minimum(torch.maximum(x, -a), a)
                st = (a/qp).detach()
                q = c+((c/st).round()*st-c).detach()
            else:
                st = x.detach().abs().max()/qp
                q = x+((x/st).round().clamp(qn, qp)*st-x).detach()
            y = y+p[i]*q
        return y

class Lin(nn.Linear):
    def __init__(s, i, o, search):
        super().__init__(i, o, bias=False)
        nn.init.normal_(s.weight, std=.02)
        s.search = search
        if search: s.qa, s.qw = Quant(True), Quant(False)
    def forward(s, x):
        return F.linear(s.qa(x), s.qw(s.weight)) if s.search else F.linear(x, s.weight)

class RMS(nn.Module):
    def __init__(s, d): super().__init__(); s.w = nn.Parameter(torch.ones(d))
    def forward(s, x): return x*torch.rsqrt(x.pow(2).mean(-1, keepdim=True)+1e-5)*s.w

class Block(nn.Module):
    def __init__(s, a, search):
        super().__init__(); d = a.dim; s.h = a.heads
        s.q, s.k, s.v, s.o = (Lin(d, d, search) for _ in range(4))
        s.g, s.u, s.d = Lin(d, a.ffn, search), Lin(d, a.ffn, search), Lin(a.ffn, d, search)
        s.n1, s.n2 = RMS(d), RMS(d)
    def forward(s, x, cos, sin, mask):
        B, T, D = x.shape; h = s.n1(x)
        f = lambda z: z.view(B, T, s.h, D//s.h).transpose(1, 2)
        q, k, v = rope(f(s.q(h)), cos, sin), rope(f(s.k(h)), cos, sin), f(s.v(h))
        att = (q@k.transpose(-2, -1))/math.sqrt(D//s.h)+mask
        x = x+s.o((att.softmax(-1)@v).transpose(1, 2).reshape(B, T, D))
        h = s.n2(x)
        return x+s.d(F.silu(s.g(h))*s.u(h))

class GPT(nn.Module):
    def __init__(s, a, search):
        super().__init__(); s.a = a
        s.emb = nn.Embedding(a.vocab, a.dim); nn.init.normal_(s.emb.weight, std=.02)
        s.blocks = nn.ModuleList(Block(a, search) for _ in range(a.layers)); s.n = RMS(a.dim)
        hd = a.dim//a.heads; t = torch.outer(torch.arange(a.ctx).float(), 10000**(-torch.arange(0, hd, 2)/hd))
        s.cos, s.sin = t.cos(), t.sin(); s.mask = torch.full((a.ctx, a.ctx), -1e9).triu(1)
    def forward(s, i, y):
        x = s.emb(i)
        for b in s.blocks: x = b(x, s.cos, s.sin, s.mask)
        return F.cross_entropy((s.n(x)@s.emb.weight.t()).view(-1, s.a.vocab), y.view(-1))

def main():
    p = argparse.ArgumentParser()
    for k, v in dict(dim=256, layers=4, heads=4, ffn=688, ctx=256, batch=8, vocab=4096, steps=5, threads=1).items():
        p.add_argument('--'+k, type=int, default=v)
    a = p.parse_args(); torch.set_num_threads(a.threads); torch.manual_seed(0)
    batch = lambda: (torch.randint(a.vocab, (a.batch, a.ctx)), torch.randint(a.vocab, (a.batch, a.ctx)))
    out = {}
    m = GPT(a, False); ts = []
    with torch.no_grad():
        for i in range(a.steps+1):
            t = time.perf_counter(); m(*batch()); ts.append(time.perf_counter()-t)
    print(f"forward_tokens_per_s {a.batch*a.ctx/sorted(ts[1:])[a.steps//2]:.0f}", flush=True)
    for search in (False, True):
        m = GPT(a, search)
        arch = [q for n, q in m.named_parameters() if '.qa.' in n or '.qw.' in n]
        ids = {id(q) for q in arch}; w = [q for q in m.parameters() if id(q) not in ids]
        ow = torch.optim.AdamW(w, 1e-3); oa = torch.optim.Adam(arch, 3e-3) if search else None
        def step():
            ow.zero_grad(); m(*batch()).backward(); ow.step()
            if search: oa.zero_grad(); m(*batch()).backward(); oa.step()
        step(); ts = []
        for _ in range(a.steps):
            t = time.perf_counter(); step(); ts.append(time.perf_counter()-t)
        s = sorted(ts)[len(ts)//2]; n = a.batch*a.ctx*(2 if search else 1)
        out[search] = n/s
        print(f"{'search' if search else 'fp'}_tokens_per_s {n/s:.0f} step_s {s:.3f} peak_rss_mb {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024:.0f}", flush=True)
    print(f"search_overhead_vs_fp {out[False]/out[True]:.2f}")
main()
