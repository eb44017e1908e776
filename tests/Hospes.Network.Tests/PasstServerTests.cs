namespace Hospes.Network.Tests;

/// <summary>passt in the background, for a machine in another process.</summary>
public sealed class PasstServerTests
{
    private readonly string _label = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task WhoConnectsStaysConnectedWhenTheSocketIsGone()
    {
        PasstServer.TryStart(_label, out PasstServer? server).ShouldBeNull();
        StreamLink.TryConnect(server!.Socket, out StreamLink? link).ShouldBeNull();
        using StreamLink connected = link!;
        server.Dispose();
        File.Exists(server.Socket).ShouldBeFalse();
        // Who has 169.254.2.1? passt answers for whoever is asked about.
        byte[] question =
        [
            0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x52, 0x54, 0, 0, 0, 1, 0x08, 0x06,
            0, 1, 0x08, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0, 0, 1, 169, 254, 1, 1, 0, 0, 0, 0, 0, 0, 169, 254, 2, 1,
        ];
        connected.Send(question);
        byte[] answer = new byte[65536];
        await Task.Run(() =>
        {
            while (connected.Receive(answer) > 0 && !(answer[12] == 0x08 && answer[13] == 0x06 && answer[21] == 2))
            {
                // Something else, such as the offer of a route.
            }
        }).WaitAsync(TimeSpan.FromSeconds(60));
        answer.AsSpan(28, 4).ToArray().ShouldBe([169, 254, 2, 1]);
    }

    [Fact]
    public void WhoIsNeverConnectedToIsEnded()
    {
        PasstServer.TryStart(_label, out PasstServer? server).ShouldBeNull();
        Running().ShouldBe(1);
        PasstServer.EndAll(_label);
        SpinWait.SpinUntil(() => Running() == 0, TimeSpan.FromSeconds(60)).ShouldBeTrue();
        Directory.Exists(Path.GetDirectoryName(server!.Socket)).ShouldBeFalse();
        PasstServer.EndAll(_label);
    }

    private int Running() => System.Diagnostics.Process.GetProcesses().Count(process =>
    {
        using (process)
        {
            try
            {
                return process.ProcessName.StartsWith("passt", StringComparison.Ordinal) && File.ReadAllText($"/proc/{process.Id}/cmdline").Contains(_label, StringComparison.Ordinal);
            }
            catch (Exception gone) when (gone is IOException or InvalidOperationException)
            {
                return false;
            }
        }
    });
}
