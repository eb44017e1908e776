namespace Hospes.EndToEnd;

/// <summary>Two domains on one wire.</summary>
public sealed class VmmLinkTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-link-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task TheyReachEachOtherOverAStreamSocketAndOverDatagrams()
    {
        (string kernel, string package) = await DebianGuest.ImageAsync();
        string socket = Path.Combine(_folder, "wire");
        string stream = $"stream,id=s,addr.type=unix,addr.path={socket},server=";
        // Both wait for the other's answer, and stay until the other has theirs too.
        Task<Ran> one = RunAsync(1, 2, stream + "on", 27411, 27412);
        while (!File.Exists(socket) && !one.IsCompleted) await Task.Delay(50);
        Task<Ran> two = RunAsync(2, 1, stream + "off", 27412, 27411);
        foreach (Ran ran in await Task.WhenAll(one, two))
        {
            ran.Status.ShouldBe(0, ran.Out + ran.Error);
            ran.Out.ShouldContain("stream works", customMessage: ran.Error);
            ran.Out.ShouldContain("datagrams work");
            ran.Out.ShouldNotContain("Call Trace:");
        }

        async Task<Ran> RunAsync(int self, int other, string netdev, int from, int to)
        {
            string initrd = Path.Combine(_folder, $"root{self}.cpio");
            await DebianGuest.WriteRootAsync(initrd, package, DebianGuest.VirtioModules, $"""
                {DebianGuest.LoadVirtio}
                for card in 0 1; do ip addr add 10.7$card.0.{self}/24 dev eth$card; ip link set eth$card up; done
                until ping -c 1 -w 5 10.70.0.{other}; do :; done
                echo stream works
                until ping -c 1 -w 5 10.71.0.{other}; do :; done
                echo datagrams work
                if [ {self} = 1 ]; then nc -l -p 7 </dev/null; else until echo done | nc -w 5 10.70.0.1 7; do sleep 0.2; done; fi
                """);
            return await HospesProcess.RunAsync("", DebianGuest.Patience,
                "vmm", "-nodefaults", "-accel", "soft", "-m", "256", "-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0", "-serial", "stdio",
                "-netdev", netdev, "-device", "virtio-net-pci,netdev=s",
                "-netdev", $"dgram,id=d,local.type=inet,local.host=127.0.0.1,local.port={from},remote.type=inet,remote.host=127.0.0.1,remote.port={to}",
                "-device", "virtio-net-pci,netdev=d");
        }
    }
}
